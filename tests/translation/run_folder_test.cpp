#include "qkv/translation/run_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "qkv/train/adam.h"
#include "qkv/translation/trainer.h"
#include "tests/translation/toy_run.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

TEST(RunFolder, AnEmptyPathIsNotTheCurrentFolder) {
  for (const bool overwrite : {false, true}) EXPECT_THROW(RunFolder{""}.create(overwrite), std::invalid_argument);
  EXPECT_THROW(load_run(""), std::invalid_argument);
  TrainingData data;
  data.train = toy_pairs(5, 1);
  for (const RunStart start : {RunStart::anew, RunStart::overwrite, RunStart::resume})
    EXPECT_THROW(train(toy_config(), data, {""}, start, {}, never_stopped), std::invalid_argument);
  EXPECT_FALSE(fs::exists("config.json"));
  EXPECT_FALSE(fs::exists("last"));
}

TEST(RunFolder, IsNotMadeWhereSomethingIs) {
  ToyRun run;
  const std::string message = message_of<std::runtime_error>([&] { run.folder.create(false); });
  EXPECT_NE(message.find("run exists already, but its training ended before the first checkpoint; use `overwrite`"),
            std::string::npos)
      << message;
  Adam<float> adam(run.model->parameters());
  save_checkpoint(run.folder.checkpoint(), *run.model, adam, {});
  const std::string with = message_of<std::runtime_error>([&] { run.folder.create(false); });
  EXPECT_NE(with.find("exists already; use `resume`"), std::string::npos) << with;
  EXPECT_NO_THROW(load_run(run.folder.path.string()));  // all is as it was
}

TEST(RunFolder, OfAStartThatWasKilledIsLikeNone) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  fs::create_directories(folder.path / "last");
  EXPECT_EQ(folder.state(), RunFolder::State::empty) << "killed before the lock";
  temporary.file("run/last/lock", "12345\n");
  temporary.file("run/config.json.abcdefgh.tmp", "{\"qkv\": \"0.1");
  EXPECT_EQ(folder.state(), RunFolder::State::empty) << "killed while config.json was written";
  for (const bool overwrite : {false, true}) EXPECT_NO_THROW(folder.create(overwrite));
  EXPECT_FALSE(fs::exists(folder.path / "config.json.abcdefgh.tmp"));
  temporary.file("run/last/notes", "mine");
  EXPECT_EQ(folder.state(), RunFolder::State::foreign);
  for (const bool overwrite : {false, true}) EXPECT_THROW(folder.create(overwrite), std::runtime_error);
  EXPECT_EQ(read_file(temporary / "run/last/notes"), "mine");
}

TEST(RunFolder, KeepsItsConfigUntilANewOneReplacesIt) {  // else the folder is nobody's when this is killed
  ToyRun run;
  run.folder.create(true);
  EXPECT_EQ(run.folder.state(), RunFolder::State::begun);
  EXPECT_NO_THROW(run.folder.create(true));
}

TEST(RunFolder, IsTrainedByOneAtATime) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  const std::string mine = fmt::format("is being trained by process {}", ::getpid());
  {
    const RunLock lock = folder.create(false);
    EXPECT_FALSE(lock.why_not_held());
    for (const bool overwrite : {false, true}) {
      const std::string message = message_of<std::runtime_error>([&] { folder.create(overwrite); });
      EXPECT_NE(message.find(mine), std::string::npos) << message;
    }
    EXPECT_NE(message_of<std::runtime_error>([&] { folder.lock(); }).find(mine), std::string::npos);
    EXPECT_NE(message_of<std::runtime_error>([&] { folder.check_resumable(); }).find(mine), std::string::npos);
  }
  EXPECT_NO_THROW(folder.lock()) << "the lock ends with its owner";
}

TEST(RunFolder, MayBeAnEmptyFolderOrInsideNewOnes) {
  const TemporaryFolder temporary;
  EXPECT_NO_THROW(RunFolder{temporary.path()}.create(false));
  EXPECT_NO_THROW(RunFolder{temporary / "a/b/c"}.create(false));
  EXPECT_TRUE(fs::is_directory(temporary / "a/b/c/last"));
}

TEST(RunFolder, IsOverwrittenButForOtherPeoplesFiles) {
  ToyRun run;
  const std::string notes = (run.folder.path / "notes.txt").string(),
                    kept = (run.folder.path / "last" / "kept").string();
  write_durably(notes, "mine");
  write_durably(kept, "mine too");
  write_durably(run.folder.metrics(), "{\"step\":1}\n");
  write_durably(run.folder.snapshots(), "{\"step\":0}\n");
  run.folder.create(true);
  for (const std::string& file : {run.folder.model(), run.folder.metrics(), run.folder.snapshots(),
                                  run.folder.source_vocabulary(), run.folder.target_vocabulary()})
    EXPECT_FALSE(fs::exists(file)) << file;
  EXPECT_EQ(read_file(notes), "mine");
  EXPECT_EQ(read_file(kept), "mine too");
}

TEST(RunFolder, IsNotOverwrittenUnlessItsConfigIsQkvs) {
  const std::vector<std::string> not_qkvs{"{}",
                                          "{\"model\": \"bert\", \"layers\": 3}",
                                          "[]",
                                          "not JSON",
                                          "{\"qkv\": \"0.1.0\"}",
                                          std::string(200'000, '[')};
  for (const std::string& config : not_qkvs) {
    const TemporaryFolder temporary;
    temporary.file("config.json", config);
    temporary.file("model.safetensors", "somebody's work");
    const std::string message = message_of<std::runtime_error>([&] { RunFolder{temporary.path()}.create(true); });
    EXPECT_NE(message.find("is not overwritten"), std::string::npos) << message;
    EXPECT_EQ(read_file(temporary / "model.safetensors"), "somebody's work");
    EXPECT_EQ(read_file(temporary / "config.json"), config);
  }
  const TemporaryFolder temporary;
  temporary.file("thesis.tex", "somebody's work");
  EXPECT_THROW(RunFolder{temporary.path()}.create(true), std::runtime_error);
  const std::string file = temporary / "thesis.tex";
  EXPECT_THROW(RunFolder{file}.create(true), std::runtime_error);
  EXPECT_THROW(RunFolder{file}.create(false), std::runtime_error);
}

}  // namespace
}  // namespace qkv
