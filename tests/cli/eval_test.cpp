#include <cmath>
#include <nlohmann/json.hpp>

#include "qkv/files/safetensors.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

struct Eval : testing::Test {
  Eval() { write_initial_run(qkv); }
  Program qkv;
};

TEST_F(Eval, JsonHoldsTheScoresInTheirUnits) {
  const Outcome outcome = qkv({"eval", "run", "--data", "data/test.csv", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto json = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(json["sentences"], 8);
  EXPECT_NEAR(json["perplexity"], std::exp(json["loss"].get<double>()), 1e-9);
  for (const char* share : {"token_accuracy", "exact_match"}) {
    EXPECT_GE(json[share], 0) << share;
    EXPECT_LE(json[share], 1) << share;
  }
  for (const char* score : {"bleu", "chrf"}) {
    EXPECT_GE(json[score], 0) << score;
    EXPECT_LE(json[score], 100) << score;
  }
  ASSERT_EQ(json["by_length"].size(), 1U);
  EXPECT_EQ(json["by_length"][0]["sentences"], 8);
  ASSERT_EQ(json["aer"].size(), 4U) << "one layer, two heads, two offsets";
  EXPECT_EQ(json["aer"][3]["head"], 1);
  EXPECT_EQ(json["aer"][3]["offset"], 1);
  for (const auto& entry : json["aer"]) EXPECT_LE(entry["aer"], 1);
}

TEST_F(Eval, BleuSaysWhatItCountsAsWords) {
  const auto scores = [&](const Arguments& more) {
    Arguments arguments{"eval", "run", "--data", "data/test.csv", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return nlohmann::json::parse(qkv(arguments).output);
  };
  EXPECT_EQ(scores({})["bleu_signature"], "nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:2.6.0");
  const auto by_13a = scores({"--bleu-tokenize", "13a"});
  EXPECT_EQ(by_13a["bleu_signature"], "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0");
  EXPECT_EQ(by_13a["chrf"], scores({})["chrf"]);
  EXPECT_EQ(qkv({"eval", "run", "--data", "data", "--bleu-tokenize", "12a"}).exit_code, 2);
}

TEST_F(Eval, AFolderStandsForItsTestFiles) {
  std::filesystem::copy(qkv.folder() / "data/test.csv", qkv.folder() / "data/long.csv");
  const auto both = nlohmann::json::parse(qkv({"eval", "run", "--data", "data", "--json"}).output);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both["test"], both["long"]);
  EXPECT_EQ(both["test"], nlohmann::json::parse(qkv({"eval", "run", "--data", "data/test.csv", "--json"}).output));
  std::filesystem::create_directory(qkv.folder() / "empty");
  const Outcome none = qkv({"eval", "run", "--data", "empty"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_TRUE(contains(none.errors, "empty holds none of test.csv"));
}

TEST_F(Eval, WithoutGoldLinksThereIsNoAlignmentError) {
  qkv.folder().file("plain.csv", "source,target\n하나,one\n");
  const auto json = nlohmann::json::parse(qkv({"eval", "run", "--data", "plain.csv", "--json"}).output);
  EXPECT_FALSE(json.contains("aer"));
}

TEST_F(Eval, ExamplesShowTranslationReferenceAndAttention) {
  const Outcome outcome = qkv({"eval", "run", "--data", "data/test.csv", "--examples", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  for (const char* part : {"test: loss ", "source words", "exact match", "alignment error", "\nsource       ",
                           "\nreference    ", "\ntranslation  ", "cross-attention, layer 0"})
    EXPECT_TRUE(contains(outcome.output, part));
}

TEST_F(Eval, TheNumberOfWorkersChangesNothing) {
  const auto with = [&](const char* workers) {
    return qkv({"eval", "run", "--data", "data/train.csv", "--json", "--workers", workers}).output;
  };
  EXPECT_EQ(with("1"), with("3"));
}

TEST_F(Eval, BadFilesAreNamedWithLineAndColumn) {
  qkv.folder().file("bad.csv", "source,target\n하나,one\n둘,\n");
  for (const char* command : {"eval", "grads"}) {
    const Outcome outcome = qkv({command, "run", "--data", "bad.csv", "--json", "--out", "g"});
    EXPECT_EQ(outcome.exit_code, 2) << "eval has no --out, grads no --json";
  }
  const Outcome outcome = qkv({"eval", "run", "--data", "bad.csv"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.errors, "qkv: error: bad.csv:3: column \"target\", character 3: the sentence is empty\n");
  EXPECT_TRUE(contains(qkv({"eval", "run", "--data", "no.csv"}).errors, "no.csv: cannot open"));
}

struct Grads : testing::Test {
  Grads() { write_initial_run(qkv); }

  std::vector<StoredTensor> tensors(const char* workers) {
    const Outcome outcome =
        qkv({"grads", "run", "--data", "data/train.csv", "--out", "g.safetensors", "--workers", workers});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    files.push_back(SafetensorsFile::read(qkv.folder() / "g.safetensors"));
    return files.back().tensors();
  }

  Program qkv;
  std::vector<SafetensorsFile> files;
};

TEST_F(Grads, HoldsTheLossAndEveryParameterByItsName) {
  const auto gradients = tensors("1");
  const auto model = SafetensorsFile::read(qkv.folder() / "run/model.safetensors");
  ASSERT_EQ(gradients.size(), model.tensors().size() + 1);
  for (const StoredTensor& parameter : model.tensors())
    EXPECT_EQ(files.back().tensor(parameter.name).shape, parameter.shape) << parameter.name;
  const auto json = nlohmann::json::parse(qkv({"eval", "run", "--data", "data/train.csv", "--json"}).output);
  EXPECT_NEAR(files.back().tensor("loss").as<float>()[0], json["loss"].get<double>(), 1e-5) << "one batch, no dropout";
}

TEST_F(Grads, AreTheSameForAnyNumberOfWorkers) {
  const auto one = tensors("1"), five = tensors("5");
  ASSERT_EQ(one.size(), five.size());
  double largest = 0;
  for (const StoredTensor& tensor : one)
    for (const float value : tensor.as<float>()) largest = std::max(largest, std::abs(double{value}));
  for (std::size_t i = 0; i < one.size(); ++i) {
    const auto a = one[i].as<float>(), b = five[i].as<float>();
    for (std::size_t j = 0; j < a.size(); ++j) EXPECT_NEAR(a[j], b[j], 1e-6 * largest) << one[i].name;
  }
}

TEST_F(Grads, AFileThatCannotBeWrittenIsNamed) {
  const Outcome outcome = qkv({"grads", "run", "--data", "data/train.csv", "--out", "no/such/folder"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(contains(outcome.errors, "no/such/folder: cannot write"));
}

}  // namespace
}  // namespace qkv
