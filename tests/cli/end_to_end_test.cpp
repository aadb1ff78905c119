// From a CSV file to a model that translates, and to what is on the disk afterwards.

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "qkv/files/safetensors.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

struct EndToEnd : testing::Test {
  EndToEnd() { write_small_data(qkv, 384, 64, 64); }
  Program qkv;
};

std::set<std::string> keys_of(const nlohmann::json& json) {
  std::set<std::string> keys;
  for (const auto& item : json.items()) keys.insert(item.key());
  return keys;
}

std::vector<std::string> first_lines(const std::string& text, std::size_t count) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; lines.size() < count && std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_F(EndToEnd, ATransformerLearnsToTranslateAndItsRunFolderHoldsWhatIsPromised) {
  const Outcome trained = qkv({"train", "--data",   "data", "--out", "run",  "--d-model", "32", "--heads",
                               "2",     "--layers", "1",    "--ff",  "64",   "--dropout", "0",  "--batch-size",
                               "32",    "--epochs", "60",   "--lr",  "5e-3", "--warmup",  "50", "--validate-every",
                               "120"});
  ASSERT_EQ(trained.exit_code, 0) << trained.errors;
  EXPECT_TRUE(contains(trained.output, "source words"));
  EXPECT_TRUE(contains(trained.output, "The model is in run."));

  const auto test = nlohmann::json::parse(qkv.text_of("run/test.json"));
  EXPECT_EQ(keys_of(test), std::set<std::string>{"test"});
  EXPECT_GE(test["test"]["exact_match"], 0.95) << test.dump(2);
  EXPECT_EQ(test["test"], nlohmann::json::parse(qkv({"eval", "run", "--data", "data/test.csv", "--json"}).output));
  for (const char* key : {"loss", "perplexity", "token_accuracy", "exact_match", "bleu", "chrf", "by_length", "aer"})
    EXPECT_TRUE(test["test"].contains(key)) << key;

  // A sentence that the model has never seen.
  const Pair unseen = read_pairs(qkv.folder() / "data/test.csv").front();
  const std::string source = fmt::format("{}", fmt::join(unseen.source, " "));
  EXPECT_EQ(qkv({"translate", "run", source}).output, fmt::format("{}\n", fmt::join(unseen.target, " ")));

  const auto config = nlohmann::json::parse(qkv.text_of("run/config.json"));
  const std::set<std::string> settings{"qkv",
                                       "model",
                                       "d_model",
                                       "heads",
                                       "layers",
                                       "ff",
                                       "dropout",
                                       "attention_dropout",
                                       "activation_dropout",
                                       "norm",
                                       "activation",
                                       "positions",
                                       "tie_embeddings",
                                       "embedding",
                                       "hidden",
                                       "cell",
                                       "score",
                                       "data",
                                       "train",
                                       "valid",
                                       "test",
                                       "tokenizer",
                                       "bpe_size",
                                       "min_frequency",
                                       "max_length",
                                       "shuffle",
                                       "batch_size",
                                       "batch_words",
                                       "accumulate",
                                       "epochs",
                                       "steps",
                                       "lr",
                                       "schedule",
                                       "warmup",
                                       "optimizer",
                                       "beta1",
                                       "beta2",
                                       "weight_decay",
                                       "clip",
                                       "label_smoothing",
                                       "validate_every",
                                       "keep",
                                       "patience",
                                       "workers",
                                       "seed"};
  EXPECT_EQ(keys_of(config), settings);
  EXPECT_EQ(config["d_model"], 32);
  EXPECT_EQ(config["beta2"], 0.98) << "defaults are written too";

  const std::vector<std::string> special{"<pad>", "<bos>", "<eos>", "<unk>"};
  EXPECT_EQ(first_lines(qkv.text_of("run/source.vocab"), 4), special);
  EXPECT_EQ(first_lines(qkv.text_of("run/target.vocab"), 4), special);

  int steps = 0, validations = 0;
  for (const std::string& line : first_lines(qkv.text_of("run/metrics.jsonl"), 100'000)) {
    const auto entry = nlohmann::json::parse(line);
    if (entry.contains("valid_loss")) {
      EXPECT_EQ(keys_of(entry), (std::set<std::string>{"step", "valid_loss", "valid_bleu", "valid_exact"}));
      ++validations;
    } else {
      EXPECT_EQ(keys_of(entry),
                (std::set<std::string>{"step", "epoch", "loss", "lr", "gradient_norm", "tokens_per_second"}));
      EXPECT_EQ(entry["step"], ++steps);
    }
  }
  EXPECT_EQ(steps, 60 * 384 / 32);
  EXPECT_EQ(validations, 6);

  std::set<std::string> expected{"source_embedding.weight", "target_embedding.weight", "generator.weight",
                                 "generator.bias"};
  const auto add = [&](const std::string& module) {
    for (const char* part : {".weight", ".bias"}) expected.insert(module + part);
  };
  for (const std::string stack : {"encoder", "decoder"}) {
    const std::string layer = stack + ".layers.0.";
    for (const std::string attention : {"self_attention", "cross_attention"})
      for (const std::string part : {"query", "key", "value", "output"})
        if (stack == "decoder" || attention == "self_attention") add(layer + attention + "." + part);
    for (const std::string part : {"feed_forward.inner", "feed_forward.outer", "norm1", "norm2"}) add(layer + part);
    add(stack + ".norm");
  }
  add("decoder.layers.0.norm3");
  std::set<std::string> names;
  const auto model = SafetensorsFile::read(qkv.folder() / "run/model.safetensors");
  for (const StoredTensor& tensor : model.tensors()) names.insert(tensor.name);
  EXPECT_EQ(names, expected);

  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(qkv.folder() / "run"))
    files.insert(entry.path().filename().string());
  EXPECT_EQ(files, (std::set<std::string>{"config.json", "last", "metrics.jsonl", "model.safetensors",
                                          "snapshots.jsonl", "source.vocab", "target.vocab", "test.json"}));
}

TEST_F(EndToEnd, TheRnnModelsTrainTranslateAndResume) {
  for (const std::string model : {"rnn", "rnn-attention"}) {
    ASSERT_EQ(qkv({"train", "--data", "data", "--model", model, "--out", model, "--embedding", "8", "--hidden", "12",
                   "--steps", "4"})
                  .exit_code,
              0);
    EXPECT_EQ(qkv({"translate", model, "하나 둘"}).exit_code, 0);
    const Outcome encoder = qkv({"translate", model, "하나 둘", "--attention", "encoder"});
    EXPECT_EQ(encoder.exit_code, 2);
    EXPECT_TRUE(contains(encoder.errors, "this model has no encoder self-attention"));
    EXPECT_EQ(qkv({"translate", model, "하나 둘", "--attention", "cross"}).exit_code, model == "rnn" ? 2 : 0);
    EXPECT_EQ(qkv({"eval", model, "--data", "data", "--examples", "1"}).exit_code, 0);
    EXPECT_EQ(qkv({"train", "--resume", "--out", model, "--steps", "6"}).exit_code, 0);
  }
}

}  // namespace
}  // namespace qkv
