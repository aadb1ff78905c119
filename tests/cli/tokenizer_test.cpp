// What a run is whose model reads something else than words.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "qkv/datasets/text.h"
#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

struct Tokenizer : testing::Test {
  Tokenizer() { write_small_data(qkv); }

  /// Trains for a few steps.
  void train(const std::string& run, const Arguments& more) {
    const Outcome trained = qkv(train_tiny(run, more));
    ASSERT_EQ(trained.exit_code, 0) << trained.errors;
  }

  Program qkv;
};

TEST_F(Tokenizer, CharactersGoThroughEveryCommand) {
  train("run", {"--tokenizer", "char", "--epochs", "2"});
  EXPECT_EQ(nlohmann::json::parse(qkv.text_of("run/config.json"))["tokenizer"], "char");
  const std::string vocabulary = qkv.text_of("run/target.vocab");
  EXPECT_TRUE(starts_with(vocabulary, "<pad>\n<bos>\n<eos>\n<unk>\n"));
  EXPECT_TRUE(contains(vocabulary, "\n▁\n"));
  EXPECT_FALSE(contains(vocabulary, "three"));

  const auto scores = nlohmann::json::parse(qkv({"eval", "run", "--data", "data/test.csv", "--json"}).output);
  EXPECT_EQ(scores, nlohmann::json::parse(qkv.text_of("run/test.json"))["test"]);
  EXPECT_EQ(scores["by_length"][0]["source_words"], "2-4");  // of words
  EXPECT_EQ(scores["aer"].size(), 4U);

  const auto translated = nlohmann::json::parse(
      qkv({"translate", "run", "하나 둘", "--json", "--attention", "cross", "--max-words", "6"}).output);
  EXPECT_EQ(translated["source"], (std::vector<std::string>{"하", "나", "▁", "둘"}));
  EXPECT_EQ(translated["attention"][0]["columns"], (std::vector<std::string>{"하", "나", "▁", "둘", "<eos>"}));
  std::string text;
  for (const std::string token : translated["tokens"]) text += token == "▁" ? " " : token;
  std::string words;
  for (const std::string word : translated["words"]) words += (words.empty() ? "" : " ") + word;
  EXPECT_EQ(translated["translation"], words);
  EXPECT_EQ(text.substr(text.find_first_not_of(' ')).find(words), 0U);

  EXPECT_TRUE(contains(qkv({"eval", "run", "--data", "data/test.csv", "--examples", "1"}).output, "Links found"));
  const Outcome explained = qkv({"explain", "run", "하나 둘", "--target", "two one"});
  EXPECT_EQ(explained.exit_code, 0) << explained.errors;
  EXPECT_EQ(explained.errors, "");
  EXPECT_EQ(qkv({"graph", "run", "하나 둘", "--out", "graph.dot"}).exit_code, 0);
  EXPECT_EQ(qkv({"gradcheck", "--run", "run", "하나 둘"}).exit_code, 0);
  EXPECT_EQ(qkv({"report", "run", "--out", "report.html", "--sentence", "하나 둘"}).exit_code, 0);
  EXPECT_EQ(qkv({"grads", "run", "--data", "data/test.csv", "--out", "g.safetensors"}).exit_code, 0);
}

TEST_F(Tokenizer, PiecesGoThroughEveryCommand) {
  train("run", {"--tokenizer", "bpe", "--bpe-size", "30", "--epochs", "2"});
  const auto config = nlohmann::json::parse(qkv.text_of("run/config.json"));
  EXPECT_EQ(config["tokenizer"], "bpe");
  EXPECT_EQ(config["bpe_size"], 30);
  EXPECT_TRUE(std::filesystem::exists(qkv.folder() / "run/source.bpe"));

  const auto scores = nlohmann::json::parse(qkv({"eval", "run", "--data", "data/test.csv", "--json"}).output);
  EXPECT_EQ(scores, nlohmann::json::parse(qkv.text_of("run/test.json"))["test"]);
  EXPECT_EQ(scores["by_length"][0]["source_words"], "2-4");
  EXPECT_NEAR(scores["aer_uniform"].get<double>(), 2.0 / 3, 1e-12);  // of three words, however they are cut

  const Outcome translated = qkv({"translate", "run", "하나 여덟", "--json", "--max-words", "6"});
  EXPECT_EQ(translated.errors.find("not a"), std::string::npos) << translated.errors;
  const auto json = nlohmann::json::parse(translated.output.substr(0, translated.output.find('\n')));
  EXPECT_EQ(json["source"][0].get<std::string>().find("▁"), 0U);
  EXPECT_EQ(json["translation"].get<std::string>().find("▁"), std::string::npos);

  const std::string examples = qkv({"eval", "run", "--data", "data/test.csv", "--examples", "1"}).output;
  EXPECT_TRUE(contains(examples, "Links found"));
  const Pair first = read_pairs(qkv.folder() / "data/test.csv").front();
  EXPECT_TRUE(contains(examples, "reference    " + first.target[0] + " " + first.target[1] + " " + first.target[2]));
  EXPECT_EQ(qkv({"explain", "run", "하나 둘", "--target", "two one", "--backward"}).exit_code, 0);
  EXPECT_EQ(qkv({"graph", "run", "하나 둘", "--out", "graph.dot"}).exit_code, 0);
  EXPECT_EQ(qkv({"gradcheck", "--run", "run", "하나 둘"}).exit_code, 0);
  EXPECT_EQ(qkv({"report", "run", "--out", "report.html", "--sentence", "하나 둘"}).exit_code, 0);
}

/// The page joins no tokens itself: how, only the tokeniser knows.
TEST_F(Tokenizer, AReportHasTheTextThatTheTokensMake) {
  for (const std::string tokenizer : {"word", "char", "bpe"}) {
    SCOPED_TRACE(tokenizer);
    train(tokenizer, {"--tokenizer", tokenizer, "--bpe-size", "30", "--steps", "12"});
    ASSERT_EQ(qkv({"report", tokenizer, "--out", "report.html", "--sentence", "하나  둘"}).exit_code, 0);
    const nlohmann::json report = data_of_page(qkv, "report.html");
    const auto& given = report["sentences"][0];
    EXPECT_EQ(given["text"]["source"], "하나 둘");
    EXPECT_TRUE(given["text"]["reference"].is_null());
    EXPECT_EQ(qkv({"translate", tokenizer, "하나 둘"}).output, given["text"]["translation"].get<std::string>() + "\n");

    std::vector<std::string> references, of_file;
    for (std::size_t i = 1; i < report["sentences"].size(); ++i) {
      const auto& text = report["sentences"][i]["text"];
      references.push_back(text["source"].get<std::string>() + " = " + text["reference"].get<std::string>());
      for (const auto& off : report["sentences"][i]["switched_off"])
        EXPECT_EQ(off["changed"].get<bool>(), off["text"] != text["translation"]);
    }
    for (const Pair& pair : read_pairs(qkv.folder() / "data/test.csv"))
      of_file.push_back(join_words(pair.source) + " = " + join_words(pair.target));
    std::ranges::sort(references);
    std::ranges::sort(of_file);
    EXPECT_EQ(references, of_file);

    for (const auto& sentence : report["snapshots"]["sentences"]) {
      const auto is_same = [&](const Pair& pair) {
        return join_words(pair.source) == sentence["text"]["source"] &&
               join_words(pair.target) == sentence["text"]["reference"];
      };
      EXPECT_TRUE(std::ranges::any_of(read_pairs(qkv.folder() / "data/valid.csv"), is_same)) << sentence["text"];
    }
    EXPECT_FALSE(report["snapshots"]["sentences"].empty());
  }
}

TEST_F(Tokenizer, IsAdvisedWhereWordsOfTrainingWriteNoTargetOfTheValidationSet) {
  ASSERT_EQ(qkv({"data", "dates", "--pairs", "200", "--out", "dates"}).exit_code, 0);
  const auto notes = [&](const std::string& data, const std::string& tokenizer) {
    const Outcome outcome =
        qkv({"train",     "--data", data,          "--out",   "noted",      "--overwrite", "--steps", "0",
             "--d-model", "8",      "--heads",     "2",       "--layers",   "1",           "--ff",    "16",
             "--workers", "1",      "--tokenizer", tokenizer, "--bpe-size", "120"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return outcome.errors;
  };
  EXPECT_TRUE(
      contains(notes("dates", "word"),
               "note: 1000 of the 1000 targets in the validation set hold words that training does not know, and "
               "no model can write those; with --tokenizer char it reads characters, with bpe pieces of words\n"));
  for (const char* tokenizer : {"char", "bpe"})
    EXPECT_EQ(notes("dates", tokenizer).find("note: 1000"), std::string::npos) << tokenizer;
  EXPECT_EQ(notes("data", "word").find("validation set hold"), std::string::npos);
}

TEST_F(Tokenizer, RefusesARunWhosePiecesAreDamagedOrGone) {
  train("run", {"--tokenizer", "bpe", "--bpe-size", "30", "--steps", "0"});
  const std::string whole = qkv.text_of("run/target.bpe");
  qkv.folder().file("run/target.bpe", whole.substr(0, whole.size() / 2));
  for (const Arguments& command : {Arguments{"translate", "run", "하나"}, {"train", "--resume", "--out", "run"}}) {
    const Outcome outcome = qkv(command);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(contains(outcome.errors, "target.bpe: it is damaged"));
  }
  std::filesystem::remove(qkv.folder() / "run/target.bpe");
  const Outcome outcome = qkv({"translate", "run", "하나"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(contains(outcome.errors, "target.bpe"));
  train("run", {"--overwrite", "--steps", "0"});
  EXPECT_FALSE(std::filesystem::exists(qkv.folder() / "run/source.bpe"));
}

TEST_F(Tokenizer, SaysHowManyPiecesThereMustBe) {
  const Outcome outcome = qkv(train_tiny("run", {"--tokenizer", "bpe", "--bpe-size", "5"}));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(contains(outcome.errors, "--bpe-size 5 is too small"));
  EXPECT_FALSE(std::filesystem::exists(qkv.folder() / "run"));
}

TEST_F(Tokenizer, WarnsOfACharacterThatIsUnknownAndOfNoWord) {
  train("run", {"--tokenizer", "char", "--steps", "0"});
  EXPECT_EQ(qkv({"translate", "run", "하둘", "--max-words", "2"}).errors.find("not a"), std::string::npos);
  EXPECT_TRUE(contains(qkv({"translate", "run", "하x", "--max-words", "2"}).errors,
                       "qkv: warning: \"x\" is not a character that this model knows\n"));
}

TEST_F(Tokenizer, RunsGoOnBitForBit) {
  for (const char* tokenizer : {"char", "bpe"}) {
    SCOPED_TRACE(tokenizer);
    const std::string whole = std::string(tokenizer) + "-whole", half = std::string(tokenizer) + "-half";
    const auto settings = [&](const char* epochs) {
      return Arguments{"--tokenizer", tokenizer,    "--bpe-size", "30",       "--dropout",
                       "0.1",         "--schedule", "constant",   "--epochs", epochs};
    };
    train(whole, settings("4"));
    train(half, settings("2"));
    ASSERT_EQ(qkv({"train", "--resume", "--out", half, "--epochs", "4"}).exit_code, 0);
    for (const char* file : {"/model.safetensors", "/last/checkpoint.safetensors", "/source.vocab", "/test.json"})
      EXPECT_TRUE(qkv.text_of(whole + file) == qkv.text_of(half + file)) << file;
  }
}

TEST_F(Tokenizer, CanBeGivenInAFileAndIsWordsInRunsOfOldVersions) {
  qkv.folder().file("settings.json", R"({"tokenizer": "char"})");
  train("run", {"--config", "settings.json", "--steps", "0"});
  EXPECT_TRUE(contains(qkv.text_of("run/source.vocab"), "\n▁\n"));
  qkv.folder().file("wrong.json", R"({"tokenizer": "letters"})");
  const Outcome wrong = qkv(train_tiny("other", {"--config", "wrong.json"}));
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_TRUE(contains(wrong.errors, "wrong.json: setting \"tokenizer\": \"letters\" is none of: word, char, bpe"));

  train("old", {"--steps", "0"});
  auto config = nlohmann::json::parse(qkv.text_of("old/config.json"));
  config.erase("tokenizer");
  qkv.folder().file("old/config.json", config.dump());
  EXPECT_EQ(qkv({"translate", "old", "하나 둘", "--max-words", "2"}).exit_code, 0);
}

TEST_F(Tokenizer, ComparesModelsThatReadCharactersOrPieces) {
  for (const std::string tokenizer : {"char", "bpe"}) {
    const Outcome compared =
        qkv({"compare", "--data", "data", "--out", tokenizer, "--tokenizer", tokenizer, "--bpe-size", "30", "--seeds",
             "1", "--epochs", "1", "--d-model", "16", "--layers", "1"});
    ASSERT_EQ(compared.exit_code, 0) << compared.errors;
    const auto json = nlohmann::json::parse(qkv.text_of(tokenizer + "/compare.json"));
    EXPECT_EQ(json["settings"]["tokenizer"], tokenizer);
    const std::string vocabulary = qkv.text_of(tokenizer + "/runs/rnn-seed1/source.vocab");
    EXPECT_EQ(json["data"]["source_vocabulary"], std::count(vocabulary.begin(), vocabulary.end(), '\n'));
  }
}

}  // namespace
}  // namespace qkv
