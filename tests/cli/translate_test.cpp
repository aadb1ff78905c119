#include <nlohmann/json.hpp>

#include "qkv/datasets/vocabulary.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

/// Translates with an untrained model: what it says is nonsense, but always the same nonsense.
struct Translate : testing::Test {
  Translate() { write_initial_run(qkv); }

  Outcome operator()(Arguments arguments, std::string_view input = "") const {
    arguments.insert(arguments.begin(), {"translate", "run", "--max-words", "4"});
    return qkv(arguments, input);
  }

  Program qkv;
};

/// Changes the model so that it never ends a sentence: the bias of `<eos>` becomes -100.
void never_end(const std::filesystem::path& run) {
  std::fstream file(run / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  std::uint64_t length = 0;
  file.read(reinterpret_cast<char*>(&length), sizeof length);
  std::string header(length, ' ');
  file.read(header.data(), static_cast<std::streamsize>(length));
  const std::uint64_t bias = nlohmann::json::parse(header).at("generator.bias").at("data_offsets").at(0);
  file.seekp(static_cast<std::streamoff>(sizeof length + length + bias + eos_id * sizeof(float)));
  file.write("\0\0\xc8\xc2", 4);
  ASSERT_TRUE(file.flush());
}

std::ptrdiff_t lines_in(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST_F(Translate, ArgumentsAndLinesOfStandardInputAreTheSame) {
  const Outcome arguments = (*this)({"하나 둘 셋", "넷 넷 넷"});
  ASSERT_EQ(arguments.exit_code, 0) << arguments.errors;
  EXPECT_EQ(lines_in(arguments.output), 2);
  EXPECT_EQ((*this)({}, "하나 둘 셋\n넷 넷 넷\n").output, arguments.output);
  EXPECT_EQ((*this)({}, "하나 둘 셋\n넷 넷 넷").output, arguments.output) << "the last line has no end";
  EXPECT_EQ((*this)({}, "하나 둘 셋\r\n넷 넷 넷\r\n").output, arguments.output);
  EXPECT_EQ((*this)({}, "\xEF\xBB\xBF하나 둘 셋\n넷 넷 넷\n").output, arguments.output) << "a byte-order mark";
  EXPECT_EQ((*this)({}, "\xEF\xBB\xBF하나\n").errors.find("is not a word"), std::string::npos);
  EXPECT_EQ((*this)({" 하나\t둘\u3000셋 ", "넷 넷 넷"}).output, arguments.output) << "any space separates words";
  EXPECT_EQ(qkv({"translate", "run", "하나 둘 셋", "--max-words", "4", "넷 넷 넷"}).output, arguments.output);
}

TEST_F(Translate, AtATerminalItSaysWhatToType) {
  const Outcome typed = qkv.shell("(sleep 1; printf '\\004') | script -qec '\"$QKV\" translate run' /dev/null");
  EXPECT_TRUE(contains(typed.output, "Type a sentence; Ctrl-D ends")) << typed.errors;
  EXPECT_EQ(qkv({"translate", "run"}, "").errors, "") << "a script types nothing";
}

TEST_F(Translate, ASentenceInBracketsIsOneSentence) {
  EXPECT_EQ(lines_in((*this)({"[하나, 둘]", "[셋]"}).output), 2);
  EXPECT_EQ((*this)({"[하나, 둘]"}).output, (*this)({}, "[하나, 둘]\n").output);
  EXPECT_EQ((*this)({"--json", "하나", "[하나, 둘]", "둘"}).output,
            (*this)({"--json"}, "하나\n[하나, 둘]\n둘\n").output);
  EXPECT_EQ((*this)({"--", "하나", "-둘"}).output, (*this)({}, "하나\n-둘\n").output);
  std::filesystem::rename(qkv.folder() / "run", qkv.folder() / "[run]");
  EXPECT_EQ(lines_in(qkv({"translate", "[run]", "하나", "둘"}).output), 2);
}

TEST_F(Translate, AnEmptyLineGivesAnEmptyLine) {
  const std::string sentence = (*this)({"하나"}).output;
  const Outcome outcome = (*this)({}, "\n하나\n  \n\n");
  EXPECT_EQ(outcome.output, "\n" + sentence + "\n\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ((*this)({""}).output, "\n");
  EXPECT_EQ((*this)({}, "").output, "");
}

TEST_F(Translate, UnknownWordsAreWarnedOfOnceWithTheNearest) {
  const Outcome outcome = (*this)({}, "다섰 둘\n다섰\n하나\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(lines_in(outcome.output), 3);
  const std::string warning =
      "qkv: warning: \"다섰\" is not a word that this model knows; the nearest that it knows is \"다섯\"\n";
  const std::size_t found = outcome.errors.find(warning);
  ASSERT_NE(found, std::string::npos) << outcome.errors;
  EXPECT_EQ(outcome.errors.find("\"다섰\" is not", found + warning.size()), std::string::npos) << "only once";
}

TEST_F(Translate, SpecialTokensInTheTextAreWords) {
  const Outcome outcome = (*this)({"하나 <eos> 둘"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(contains(outcome.errors, "\"<eos>\" is not a word"));
}

TEST_F(Translate, AFinalMarkIsSplitOffWhereThatMakesKnownWords) {
  std::vector<Pair> pairs{{{"하나", "."}, {"one", "."}, {}}, {{"둘", "?"}, {"two", "?"}, {}}};
  write_pairs(qkv.folder() / "marks.csv", pairs);
  ASSERT_EQ(qkv({"train", "--train", "marks.csv", "--out", "marks", "--steps", "0"}).exit_code, 0);
  const auto read = [&](const std::string& text) {
    return nlohmann::json::parse(qkv({"translate", "marks", "--json", "--max-words", "1", text}).output)["source"];
  };
  EXPECT_EQ(read("하나."), (std::vector<std::string>{"하나", "."}));
  EXPECT_EQ(read("하나 ."), (std::vector<std::string>{"하나", "."}));
  EXPECT_EQ(read("둘?"), (std::vector<std::string>{"둘", "?"}));
  EXPECT_EQ(read("하나!"), (std::vector<std::string>{"하나!"})) << "! is no known word";
  EXPECT_EQ(read("셋."), (std::vector<std::string>{"셋."})) << "셋 is no known word";
}

TEST_F(Translate, WhatIsTooLongIsCutAndSaid) {
  never_end(qkv.folder() / "run");
  const Outcome outcome = qkv({"translate", "run", "--max-words", "2", "하나"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(contains(outcome.errors, "the translation was cut off after 2 words"));
  EXPECT_TRUE(matches(outcome.output, "\\S+ \\S+\n"));
  const Outcome unlimited = qkv({"translate", "run", "하나"});
  EXPECT_TRUE(contains(unlimited.errors, "cut off after 12 words")) << "2 x 1 + 10";
}

TEST_F(Translate, WhatWouldNeedMorePositionsThanTheModelHasIsCutAndSaid) {
  never_end(qkv.folder() / "run");
  std::string many;
  for (int i = 0; i < 700; ++i) many += "하나 ";
  const Outcome outcome = qkv({"translate", "run", many});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_TRUE(contains(outcome.errors, "the translation was cut off after 1023 words")) << "1024 positions less <bos>";
  EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), ' '), 1022);
}

TEST_F(Translate, InvalidUtf8IsAnErrorThatNamesThePlace) {
  const Outcome line = (*this)({}, "하나\n둘 \xff\n셋\n");
  EXPECT_EQ(line.exit_code, 1);
  EXPECT_EQ(lines_in(line.output), 1) << "what came before is translated";
  EXPECT_TRUE(contains(line.errors, "qkv: error: standard input:2: invalid UTF-8 at character 3: byte 0xff\n"));
  const Outcome argument = (*this)({"하나", "\xff"});
  EXPECT_EQ(argument.exit_code, 1);
  EXPECT_TRUE(contains(argument.errors, "sentence 2 of the arguments: invalid UTF-8"));
}

TEST_F(Translate, MoreWordsThanTheModelHasPositionsForIsAnError) {
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "하나 ";
  const Outcome outcome = (*this)({}, "둘\n" + many);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(contains(outcome.errors, "standard input:2: "));
  EXPECT_TRUE(contains(outcome.errors, "3001 positions"));
}

TEST_F(Translate, AttentionIsDrawnForEachKind) {
  const Outcome cross = (*this)({"하나 둘", "--attention", "cross", "--layer", "0", "--head", "1"});
  ASSERT_EQ(cross.exit_code, 0) << cross.errors;
  EXPECT_TRUE(contains(cross.output, "cross-attention, layer 0, head 1\n"));
  EXPECT_TRUE(contains((*this)({"하나 둘", "--attention", "encoder"}).output,
                       "encoder self-attention, layer 0, mean of the heads\n"));
  EXPECT_TRUE(contains((*this)({"하나 둘", "--attention", "decoder"}).output, "decoder self-attention"));
  EXPECT_EQ(cross.output.find('\033'), std::string::npos) << "no colours where there is no terminal";
}

TEST_F(Translate, AttentionInJsonSumsToOneInEveryRow) {
  const Outcome outcome = (*this)({"--json", "--attention", "encoder", "하나 둘 셋"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto json = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(json["source"], (std::vector<std::string>{"하나", "둘", "셋"}));
  ASSERT_EQ(json["attention"].size(), 2U) << "two heads of one layer";
  EXPECT_EQ(json["attention"][1]["head"], 1);
  EXPECT_EQ(json["attention"][0]["columns"], (std::vector<std::string>{"하나", "둘", "셋", "<eos>"}));
  for (const auto& row : json["attention"][0]["weights"]) {
    double sum = 0;
    for (const double weight : row) sum += weight;
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST_F(Translate, CrossAttentionOfWhatWasCutHasARowForEachWordOnly) {
  never_end(qkv.folder() / "run");
  const Outcome outcome = (*this)({"--json", "--attention", "cross", "하나 둘"});
  ASSERT_TRUE(contains(outcome.errors, "cut off after 4 words"));
  const auto json = nlohmann::json::parse(outcome.output);
  ASSERT_EQ(json["attention"].size(), 2U);
  for (const auto& view : json["attention"]) {
    EXPECT_EQ(view["rows"], json["words"]);
    EXPECT_EQ(view["weights"].size(), 4U);
  }
  const Outcome chosen = (*this)({"--json", "--attention", "cross", "--head", "0", "하나 둘"});
  EXPECT_EQ(nlohmann::json::parse(chosen.output)["attention"][0]["rows"], json["words"]);
  const std::string drawn = (*this)({"--attention", "cross", "--head", "0", "하나 둘"}).output;
  EXPECT_EQ(drawn.find("<eos>"), drawn.rfind("<eos>")) << "the source's only:\n" << drawn;
}

TEST_F(Translate, AnAttentionThatIsNotThereIsWrongUsage) {
  for (const Arguments& arguments : std::vector<Arguments>{{"--attention", "cross", "--layer", "1"},
                                                           {"--attention", "encoder", "--head", "2"},
                                                           {"--attention", "decoder", "--layer", "-1"},
                                                           {"--attention", "self"},
                                                           {"--layer", "0"},
                                                           {"--max-words", "0"},
                                                           {"--beam", "0"}}) {
    Arguments line{"translate", "run", "하나"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    const Outcome outcome = qkv(line);
    EXPECT_EQ(outcome.exit_code, 2) << arguments.back();
    EXPECT_EQ(outcome.output, "") << "nothing is translated first";
    EXPECT_TRUE(contains(outcome.errors, arguments.front()) || contains(outcome.errors, arguments[2].substr(2)));
  }
}

TEST_F(Translate, ABeamOfOneIsGreedy) {
  EXPECT_EQ((*this)({"하나 둘 셋", "--beam", "1"}).output, (*this)({"하나 둘 셋"}).output);
  EXPECT_EQ((*this)({"하나 둘 셋", "--beam", "3"}).exit_code, 0);
}

/// One thing that is wrong with a run folder, and what must be said about it.
struct Damage {
  const char* name;
  void (*cause)(const std::filesystem::path& run);
  const char* said;
};

void write(const std::filesystem::path& file, const std::string& text) { std::ofstream(file) << text; }

void change(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::ifstream stream(file);
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  ASSERT_NE(text.find(from), std::string::npos);
  write(file, text.replace(text.find(from), from.size(), to));
}

const Damage damages[] = {
    {"NoSuchFolder", [](const auto& run) { std::filesystem::remove_all(run); }, "run is no run"},
    {"AFile", [](const auto& run) { std::filesystem::remove_all(run), write(run, "text"); }, "run is no run"},
    {"NoConfig", [](const auto& run) { std::filesystem::remove(run / "config.json"); }, "there is no run/config.json"},
    {"ConfigIsNoJson", [](const auto& run) { write(run / "config.json", "{\n  \"model\":"); },
     "run/config.json:2: not valid JSON"},
    {"ConfigIsNoObject", [](const auto& run) { write(run / "config.json", "[1]"); }, "run/config.json: "},
    {"ConfigHasAnUnknownSetting", [](const auto& run) { change(run / "config.json", "\"layers\"", "\"leyers\""); },
     "\"leyers\""},
    {"ConfigHasAWrongType", [](const auto& run) { change(run / "config.json", "\"layers\": 1", "\"layers\": \"1\""); },
     "setting \"layers\""},
    {"ConfigIsOfAnotherModel", [](const auto& run) { change(run / "config.json", "\"layers\": 1", "\"layers\": 2"); },
     "run/model.safetensors: "},
    {"NoVocabulary", [](const auto& run) { std::filesystem::remove(run / "source.vocab"); },
     "run/source.vocab: cannot open"},
    {"VocabularyIsShort", [](const auto& run) { change(run / "target.vocab", "eight\n", ""); },
     "run/model.safetensors: "},
    {"VocabularyHasAnEmptyLine", [](const auto& run) { change(run / "target.vocab", "eight\n", "\n"); },
     "run/target.vocab:"},
    {"VocabularyIsNotUtf8", [](const auto& run) { change(run / "target.vocab", "eight", "\xff"); }, "invalid UTF-8"},
    {"NoModel", [](const auto& run) { std::filesystem::remove(run / "model.safetensors"); },
     "there is no model.safetensors"},
    {"ModelIsCutShort", [](const auto& run) { std::filesystem::resize_file(run / "model.safetensors", 2000); },
     "was it cut short?"},
    {"ModelLacksItsLastNumber",
     [](const auto& run) {
       std::filesystem::resize_file(run / "model.safetensors",
                                    std::filesystem::file_size(run / "model.safetensors") - 4);
     },
     "was the file cut short?"},
    {"ModelIsEmpty", [](const auto& run) { write(run / "model.safetensors", ""); }, "was it cut short?"},
    {"ModelHoldsNaN",
     [](const auto& run) {
       std::fstream file(run / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
       file.seekp(-4, std::ios::end);
       file.write("\0\0\xc0\x7f", 4);
     },
     "a value that is not finite"},
};

struct DamagedRun : testing::TestWithParam<Damage> {};

TEST_P(DamagedRun, IsAnErrorThatNamesTheFile) {
  const Program qkv;
  write_initial_run(qkv);
  GetParam().cause(qkv.folder() / "run");
  for (const Arguments& arguments : std::vector<Arguments>{{"translate", "run", "하나"},
                                                           {"eval", "run", "--data", "data/test.csv"},
                                                           {"grads", "run", "--data", "data/test.csv", "--out", "g"}}) {
    const Outcome outcome = qkv(arguments);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_TRUE(starts_with(outcome.errors, "qkv: error: run"));
    EXPECT_TRUE(contains(outcome.errors, GetParam().said));
  }
}

INSTANTIATE_TEST_SUITE_P(All, DamagedRun, testing::ValuesIn(damages),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace qkv
