// Exit codes are 0, 1 and 2 and nothing else: wrong usage is 2, what is wrong with files is 1. Whatever is wrong is
// said in one line on standard error, and nothing is left behind.

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>

#include "qkv/files/durable_file.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

struct Call {
  Arguments arguments;
  int exit_code;
  std::string said;  ///< a part of the message
};

const std::string long_name(5000, 'n');

const std::vector<Call> calls{
    // the command itself
    {{"tranlsate"}, 2, "there is no command \"tranlsate\"; the nearest is translate (see qkv --help)"},
    {{""}, 2, "there is no command \"\""},
    {{"--versoin"}, 2, "there is no option \"--versoin\"; the nearest is --version (see qkv --help)"},
    {{"--seed", "1"}, 2, "--seed"},
    {{"-x"}, 2, "-x"},

    // data
    {{"data"}, 2, "A subcommand is required (see qkv data --help)"},
    {{"data", "klingon"}, 2, "there is no command \"data klingon\" (see qkv --help)"},
    {{"data", "korean-english"}, 2, "--out is required"},
    {{"data", "korean-english", "--out"}, 2, "--out"},
    {{"data", "korean-english", "--out", ""}, 2, "--out is empty"},
    {{"data", "korean-english", "--out="}, 2, "--out= is followed by nothing"},
    {{"data", "korean-english", "--out", "d", "d2"}, 2, "d2"},
    {{"data", "korean-english", "--out", "d", "--pairs", "0"},
     2,
     "--pairs 0 is out of range; it must be from 1 to 1000000"},
    {{"data", "korean-english", "--out", "d", "--pairs", "-1"}, 2, "--pairs -1 is out of range"},
    {{"data", "korean-english", "--out", "d", "--pairs", "1000001"}, 2, "--pairs 1000001 is out of range"},
    {{"data", "korean-english", "--out", "d", "--pairs", "many"}, 2, "--pairs \"many\" is no whole number"},
    {{"data", "korean-english", "--out", "d", "--pairs", ""}, 2, "--pairs \"\" is no whole number"},
    {{"data", "korean-english", "--out", "d", "--pairs", "3000"}, 2, "with this seed 11046 pairs are enough"},
    {{"data", "korean-english", "--out", "d", "--seed", "-1"}, 2, "--seed -1 is out of range"},
    {{"data", "korean-english", "--out", "d", "--seed", "1", "--seed", "2"}, 2, "--seed"},

    // train: what is missing, and what may not be together
    {{"train"}, 2, "--out is required"},
    {{"train", "--d-modle", "3", "--out", "new"},
     2,
     "there is no option \"--d-modle\"; the nearest is --d-model (see qkv train --help)"},
    {{"train", "--out", "new"}, 2, "give --data DIR or --train F.csv"},
    {{"train", "--out", "", "--data", "data"}, 2, "--out is empty"},
    {{"train", "--out=", "--data", "data"}, 2, "--out= is followed by nothing"},
    {{"train", "--out", "new", "--data", ""}, 2, "--data is empty"},
    {{"train", "--out", "new", "--train", ""}, 2, "--train is empty"},
    {{"train", "--out", "new", "--train", "data/train.csv", "--valid", ""}, 2, "--valid is empty"},
    {{"train", "--out", "new", "--train", "data/train.csv", "--test", ""}, 2, "--test is empty"},
    {{"train", "--out", "new", "--data", "data", "--config", ""}, 2, "--config is empty"},
    {{"train", "--out", "new", "--data", "data", "more"}, 2, "more"},
    {{"train", "--out", "new", "--data", "data", "--train", "data/train.csv"}, 2, "--data names all files"},
    {{"train", "--out", "new", "--train", "data/train.csv", "--patience", "2"}, 2, "--patience needs a validation set"},
    {{"train", "--out", "run", "--data", "data", "--resume", "--overwrite"}, 2, "--overwrite"},
    {{"train", "--out", "run", "--resume", "--lr", "1"}, 2, "--lr cannot be given with it"},
    {{"train", "--out", "run", "--resume", "--no-shuffle"}, 2, "--no-shuffle"},
    {{"train", "--out", "run", "--resume", "--config", "run/config.json"}, 2, "--config"},
    {{"train", "--out", "new", "--data", "data", "--no-shuffle=maybe"}, 2, "--no-shuffle"},
    {{"train", "--out", "new", "--data", "data", "--max-length", "2"}, 2, "--max-length 2"},
    {{"train", "--out", "new", "--train", "\xff.csv"}, 2, "--train \\x{ff}.csv is not UTF-8"},

    // train: choices and numbers
    {{"train", "--out", "new", "--data", "data", "--model", "gpt"}, 2, "--model \"gpt\" is none of: transformer, rnn"},
    {{"train", "--out", "new", "--data", "data", "--model", ""}, 2, "--model \"\" is none of"},
    {{"train", "--out", "new", "--data", "data", "--norm", "both"}, 2, "--norm \"both\" is none of: post, pre"},
    {{"train", "--out", "new", "--data", "data", "--schedule", "magic"}, 2, "--schedule \"magic\" is none of"},
    {{"train", "--out", "new", "--data", "data", "--heads", "3"}, 2, "--heads 3 does not divide --d-model 64"},
    {{"train", "--out", "new", "--data", "data", "--heads", "0"}, 2, "--heads 0 is out of range"},
    {{"train", "--out", "new", "--data", "data", "--layers", "two"}, 2, "--layers \"two\" is no whole number"},
    {{"train", "--out", "new", "--data", "data", "--layers", "1e3"}, 2, "--layers \"1e3\" is no whole number"},
    {{"train", "--out", "new", "--data", "data", "--epochs", "99999999999"}, 2, "--epochs 99999999999 is out of range"},
    {{"train", "--out", "new", "--data", "data", "--steps", "-1"}, 2, "--steps -1 is out of range; it must be from 0"},
    {{"train", "--out", "new", "--data", "data", "--steps", ""}, 2, "--steps \"\""},
    {{"train", "--out", "new", "--data", "data", "--lr", "0"}, 2, "--lr 0 is out of range; it must be above 0"},
    {{"train", "--out", "new", "--data", "data", "--lr", "nan"}, 2, "--lr \"nan\" is not finite"},
    {{"train", "--out", "new", "--data", "data", "--clip", ""}, 2, "--clip \"\" is no number; it must be at least 0"},
    {{"train", "--out", "new", "--data", "data", "--clip", "inf"}, 2, "--clip \"inf\" is not finite"},
    {{"train", "--out", "new", "--data", "data", "--dropout", "1"}, 2, "--dropout 1 is out of range"},
    {{"train", "--out", "new", "--data", "data", "--dropout", "0,1"}, 2, "--dropout \"0,1\" is no number"},
    {{"train", "--out", "new", "--data", "data", "--seed", ""}, 2, "--seed \"\" is no whole number"},
    {{"train", "--out", "new", "--data", "data", "--seed", "0x10"}, 2, "--seed \"0x10\" is no whole number"},
    {{"train", "--out", "new", "--data", "data", "--seed", "99999999999999999999"}, 2, "is out of range"},
    {{"train", "--out", "new", "--data", "data", "--workers", "257"}, 2, "--workers 257 is out of range"},

    // train: settings of other models
    {{"train", "--out", "new", "--data", "data", "--model", "rnn", "--layers", "6"},
     2,
     "--layers is not used by the model rnn; it is a setting of transformer"},
    {{"train", "--out", "new", "--data", "data", "--model", "rnn", "--tie-embeddings"},
     2,
     "--tie-embeddings is not used"},
    {{"train", "--out", "new", "--data", "data", "--model", "rnn-attention", "--heads", "3"},
     2,
     "--heads is not used by the model rnn-attention"},
    {{"train", "--out", "new", "--data", "data", "--model", "rnn", "--score", "dot"},
     2,
     "it is a setting of rnn-attention"},
    {{"train", "--out", "new", "--data", "data", "--hidden", "8"},
     2,
     "--hidden is not used by the model transformer; it is a setting of rnn and rnn-attention"},
    {{"train", "--out", "new", "--data", "data", "--cell", "lstm"}, 2, "--cell is not used"},
    {{"train", "--out", "new", "--data", "data", "--config", "rnn.json", "--ff", "8"},
     2,
     "--ff is not used by the model rnn"},

    // train: files
    {{"train", "--out", "new", "--data", "no"}, 1, "there is no folder no"},
    {{"train", "--out", "new", "--data", "data/train.csv"}, 1, "data/train.csv is a file"},
    {{"train", "--out", "new", "--data", "empty"}, 1, "empty: there is no train.csv"},
    {{"train", "--out", "new", "--train", "no.csv"}, 1, "no.csv: cannot open: No such file"},
    {{"train", "--out", "new", "--train", "data"}, 1, "data: "},
    {{"train", "--out", "new", "--train", "bad.csv"},
     1,
     "bad.csv:3: column \"target\", character 3: the sentence is empty"},
    {{"train", "--out", "new", "--train", "data/train.csv", "--valid", "no.csv"}, 1, "no.csv: cannot open"},
    {{"train", "--out", "new", "--data", "data", "--config", "no.json"}, 1, "no.json: cannot open"},
    {{"train", "--out", "new", "--data", "data", "--config", "data"}, 1, "data: "},
    {{"train", "--out", "new", "--data", "data", "--config", "bad.csv"}, 1, "bad.csv:1: not valid JSON"},
    {{"train", "--out", "new", "--data", "data", "--config", "unknown.json"},
     1,
     "unknown.json: there is no setting \"colour\""},
    {{"train", "--out", "new", "--data", "data", "--config", "range.json"}, 1, "range.json: --heads 0 is out of range"},
    {{"train", "--out", "new", "--data", "data", "--config", "divide.json"},
     1,
     "divide.json: --heads 5 does not divide --d-model 64"},
    {{"train", "--out", "new", "--data", "data", "--config", "divide.json", "--d-model", "16", "--heads", "3"},
     2,
     "--heads 3 does not divide --d-model 16"},
    {{"train", "--out", "run", "--data", "data"}, 1, "run exists already"},
    {{"train", "--out", "data", "--data", "data", "--overwrite"}, 1, "data is not overwritten"},
    {{"train", "--out", "data/test.csv", "--data", "data"}, 1, "data/test.csv"},
    {{"train", "--out", "data/test.csv/new", "--data", "data"}, 1, "Not a directory"},
    {{"train", "--out", "no", "--resume"}, 1, "no cannot be resumed"},
    {{"train", "--out", "new", "--data", long_name}, 1, "nnn: File name too long"},
    {{"train", "--out", long_name, "--data", "data"}, 1, "File name too long"},
    {{"train", "--out", "new", "--train", long_name}, 1, "nnn: cannot open: File name too long"},
    {{"train", "--out", "new", "--data", "loop"}, 1, "loop: Too many levels of symbolic links"},
    {{"train", "--out", "loop", "--data", "data"},
     1,
     "loop: cannot make this folder: Too many levels of symbolic links"},

    // translate
    {{"translate"}, 2, "RUN is required"},
    {{"translate", "", "하나"}, 2, "RUN is empty"},
    {{"translate", "run", "하나", "--beam", "0"}, 2, "--beam 0 is out of range; it must be from 1 to 1000"},
    {{"translate", "run", "--beam=", "5"}, 2, "--beam= is followed by nothing"},
    {{"translate", "run", "하나", "--length-penalty", "nan"}, 2, "--length-penalty \"nan\" is not finite"},
    {{"translate", "run", "하나", "--max-words", "0"}, 2, "--max-words 0 is out of range"},
    {{"translate", "run", "하나", "--attention", "self"},
     2,
     "--attention \"self\" is none of: cross, encoder, decoder"},
    {{"translate", "run", "하나", "--attention", ""}, 2, "--attention \"\" is none of"},
    {{"translate", "run", "하나", "--layer", "0"}, 2, "give --attention"},
    {{"translate", "run", "하나", "--attention", "cross", "--layer", "1"}, 2, "layer 1 does not exist"},
    {{"translate", "run", "하나", "--attention", "cross", "--head", "2"}, 2, "head 2 does not exist"},
    {{"translate", "run", "하나", "--attention", "cross", "--layer", "-1"}, 2, "--layer -1 is out of range"},
    {{"translate", "no", "하나"}, 1, "no is no run"},
    {{"translate", "data", "하나"}, 1, "data is no run"},
    {{"translate", "loop", "하나"}, 1, "Too many levels of symbolic links"},
    {{"translate", long_name, "하나"}, 1, "nnn/config.json: File name too long"},
    {{"translate", "run", "\xff"}, 1, "sentence 1 of the arguments: invalid UTF-8 at character 1: byte 0xff"},

    // eval
    {{"eval"}, 2, "RUN is required"},
    {{"eval", "run"}, 2, "--data is required"},
    {{"eval", "", "--data", "data"}, 2, "RUN is empty"},
    {{"eval", "run", "--data", ""}, 2, "--data is empty"},
    {{"eval", "run", "more", "--data", "data"}, 2, "more"},
    {{"eval", "run", "--data", "data", "--beam", "1001"}, 2, "--beam 1001 is out of range"},
    {{"eval", "run", "--data", "data", "--workers", "0"}, 2, "--workers 0 is out of range"},
    {{"eval", "run", "--data", "data", "--examples", "101"}, 2, "--examples 101 is out of range"},
    {{"eval", "run", "--data", "data", "--json", "--examples", "1"}, 2, "--json"},
    {{"eval", "no", "--data", "data"}, 1, "no is no run"},
    {{"eval", "run", "--data", "no.csv"}, 1, "no.csv: cannot open"},
    {{"eval", "run", "--data", "bad.csv"}, 1, "bad.csv:3: "},
    {{"eval", "run", "--data", "empty"}, 1, "empty holds none of test.csv"},
    {{"eval", "run", "--data", long_name}, 1, "nnn: File name too long"},
    {{"eval", "run", "--data", "loop"}, 1, "loop: Too many levels of symbolic links"},

    // grads
    {{"grads"}, 2, "is required"},
    {{"grads", "run", "--data", "data/test.csv"}, 2, "--out is required"},
    {{"grads", "run", "--data", "data/test.csv", "--out", ""}, 2, "--out is empty"},
    {{"grads", "run", "--data", "", "--out", "g"}, 2, "--data is empty"},
    {{"grads", "", "--data", "data/test.csv", "--out", "g"}, 2, "RUN is empty"},
    {{"grads", "run", "--data", "data/test.csv", "--out", "g", "--workers", "1.5"},
     2,
     "--workers \"1.5\" is no whole number"},
    {{"grads", "no", "--data", "data/test.csv", "--out", "g"}, 1, "no is no run"},
    {{"grads", "run", "--data", "bad.csv", "--out", "g"}, 1, "bad.csv:3: "},
    {{"grads", "run", "--data", "data/test.csv", "--out", "no/g"}, 1, "no/g: cannot write: No such file"},
    {{"grads", "run", "--data", "data/test.csv", "--out", "data"}, 1, "data: cannot write: Is a directory"},
    {{"grads", "run", "--data", "data/test.csv", "--out", long_name}, 1, "nnn: File name too long"},

    // gradcheck
    {{"gradcheck", "layer_nrom"}, 2, "there is no gradient check \"layer_nrom\"; the nearest is \"layer_norm\""},
    {{"gradcheck", ""}, 2, "there is no gradient check \"\""},
    {{"gradcheck", "sum", "--seed", "seven"}, 2, "--seed \"seven\" is no whole number"},
    {{"gradcheck", "sum", "--jsno"}, 2, "--jsno"},

    // bench
    {{"bench", "enormous"}, 2, "enormous"},
    {{"bench", "micro", "--d-model", "8"}, 2, "not both"},
    {{"bench", "--heads", "3"}, 2, "--heads 3 does not divide --d-model 64"},
    {{"bench", "micro", "--seconds", "nan"}, 2, "--seconds \"nan\" is not finite; it must be from 0 to 86400"},
    {{"bench", "micro", "--seconds", "inf"}, 2, "--seconds \"inf\" is not finite"},
    {{"bench", "micro", "--seconds", ""}, 2, "--seconds \"\" is no number"},
    {{"bench", "micro", "--workers", "0"}, 2, "--workers 0 is out of range"},
    {{"bench", "--vocabulary", "4"}, 2, "--vocabulary 4 is out of range; it must be from 5 to 1000000"},
    {{"bench", "--layers", "0"}, 2, "--layers 0 is out of range"},
};

TEST(WrongCalls, EndWithTheirExitCodeAMessageAndNothingLeftBehind) {
  const Program qkv;
  write_initial_run(qkv);
  fs::create_directory(qkv.folder() / "empty");
  fs::create_symlink("loop", qkv.folder() / "loop");
  qkv.folder().file("bad.csv", "source,target\n하나,one\n둘,\n");
  qkv.folder().file("unknown.json", R"({"colour": "red"})");
  qkv.folder().file("range.json", R"({"heads": 0})");
  qkv.folder().file("divide.json", R"({"heads": 5})");
  qkv.folder().file("rnn.json", R"({"model": "rnn"})");
  const auto files = [&] {
    std::map<std::string, std::string> contents;
    for (const auto& entry : fs::recursive_directory_iterator(qkv.folder().path())) {
      const std::string path = entry.path().string();
      const std::string name = entry.path().filename().string();
      if (name == ".input" || name == ".output" || name == ".errors") continue;
      const bool is_compared =
          !entry.is_symlink() && entry.is_regular_file() && name != "lock";  // of a run: who is there
      contents[path] = is_compared ? read_file(path) : "";
    }
    return contents;
  };
  const auto before = files();
  for (const Call& call : calls) {
    SCOPED_TRACE(fmt::format("qkv {:.200}", fmt::to_string(fmt::join(call.arguments, " "))));
    const Outcome outcome = qkv(call.arguments);
    EXPECT_EQ(outcome.exit_code, call.exit_code);
    EXPECT_EQ(outcome.output, "");
    EXPECT_TRUE(starts_with(outcome.errors, "qkv: error: "));
    EXPECT_TRUE(contains(outcome.errors, call.said));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
    for (const char* raw : {"filesystem error", "json.exception", "std::"})
      EXPECT_EQ(outcome.errors.find(raw), std::string::npos) << outcome.errors;
    const auto after = files();
    EXPECT_TRUE(after == before) << "files were left behind or changed";
    if (after != before) break;
  }
  EXPECT_GE(calls.size(), 100U);
}

}  // namespace
}  // namespace qkv
