#include "qkv/translation/saved_model.h"

#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "qkv/files/safetensors.h"
#include "qkv/train/adam.h"
#include "qkv/translation/tensor_settings.h"
#include "tests/translation/toy_run.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

std::vector<float> parameters_of(const Seq2Seq<float>& model) {
  const auto values = model.parameters().values();
  return {values.begin(), values.end()};
}

TEST(SavedModel, ReadsBackTheModelAndWhatBelongsToIt) {
  ToyRun run;
  const TrainedModel trained = load_run(run.folder.path.string());
  EXPECT_EQ(parameters_of(*trained.model), parameters_of(*run.model));
  EXPECT_EQ(to_json(trained.config), to_json(run.config));
  EXPECT_EQ(trained.source.size(), run.source.size());
  EXPECT_EQ(trained.target.word(5), run.target.word(5));
  EXPECT_EQ(trained.alignment, (AlignmentReading{0, 1, 1}));
  save_model(run.folder.model(), *run.model, {});
  EXPECT_FALSE(load_run(run.folder.path.string()).alignment.has_value());
}

TEST(SavedModel, NamesWhatIsMissing) {
  const TemporaryFolder empty;
  const std::string no_run = message_of<std::runtime_error>([&] { load_run(empty.path()); });
  EXPECT_NE(no_run.find("is no run"), std::string::npos) << no_run;
  {
    ToyRun run;
    fs::remove(run.folder.model());
    EXPECT_NE(run.loading().find("there is no model.safetensors yet"), std::string::npos) << run.loading();
  }
  ToyRun run;
  fs::remove(run.folder.target_vocabulary());
  EXPECT_NE(run.loading().find("target.vocab: cannot open"), std::string::npos) << run.loading();
}

TEST(SavedModel, NamesWhatDoesNotFit) {
  ToyRun run;
  const std::string wider = run.loading_with([](TrainingConfig& config) { transformer_of(config).d_model = 32; });
  EXPECT_NE(wider.find("model.safetensors: source_embedding.weight has shape [12, 16], but the settings and "
                       "vocabularies beside it make it [12, 32]"),
            std::string::npos)
      << wider;
  const std::string deeper = run.loading_with([](TrainingConfig& config) { transformer_of(config).layers = 2; });
  EXPECT_NE(deeper.find("model.safetensors: "), std::string::npos) << deeper;
  EXPECT_NE(deeper.find("encoder.layers.1."), std::string::npos) << deeper;
  const std::string tied =
      run.loading_with([](TrainingConfig& config) { transformer_of(config).tie_embeddings = true; });
  EXPECT_NE(tied.find("model.safetensors: tensor 'generator.weight' belongs to none of the model's parameters"),
            std::string::npos)
      << tied;
  const std::string bad = run.loading_with([](TrainingConfig& config) { transformer_of(config).heads = 0; });
  EXPECT_NE(bad.find("config.json: `heads` 0"), std::string::npos) << bad;
  write_durably(run.folder.config(), "{\"qkv\": \"0.1.0\", \"nonsense\": 1}");
  EXPECT_NE(run.loading().find("config.json: there is no setting \"nonsense\""), std::string::npos);
}

/// How much memory this process has asked for, in bytes.
std::size_t memory_asked_for() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(SavedModel, ComparesHugeSettingsWithTheModelBeforeItTakesMemory) {
  ToyRun run;
  const std::size_t before = memory_asked_for();
  for (const auto& [setting, value, tensor, named] :
       {std::tuple(&TransformerConfig::d_model, 1'000'000, "source_embedding.weight", "d_model 1000000"),
        std::tuple(&TransformerConfig::layers, 1000, "encoder.layers.1.self_attention.query.weight", "layers 1000"),
        std::tuple(&TransformerConfig::ff, 1'000'000, "encoder.layers.0.feed_forward.inner.weight", "ff 1000000")}) {
    TrainingConfig config = toy_config();
    transformer_of(config).*setting = value;
    write_durably(run.folder.config(), to_json(config).dump());
    const std::string message = run.loading();
    for (const std::string& part : {run.folder.model(), std::string(tensor), std::string(named), run.folder.config()})
      EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks " << part;
  }
  TrainingConfig config = toy_config();
  transformer_of(config).d_model = std::numeric_limits<int>::max();
  write_durably(run.folder.config(), to_json(config).dump());
  EXPECT_TRUE(run.loading().starts_with(run.folder.config() + ": ")) << run.loading();
  EXPECT_LT(memory_asked_for(), before + 50'000'000);
}

TEST(SavedModel, NamesTheSettingBehindEachTensorThatDoesNotFit) {
  ToyRun run;
  const auto expect = [&](const std::string& message, const std::string& end) {
    EXPECT_TRUE(message.ends_with(end)) << message;
  };
  const std::string in_config = " in " + run.folder.config(),
                    asks = ", which " + run.folder.config() + " asks for with ";
  expect(run.loading_with([](TrainingConfig& config) { transformer_of(config).d_model = 32; }),
         "make it [12, 32]: see d_model 32" + in_config);
  expect(run.loading_with([](TrainingConfig& config) { transformer_of(config).ff = 25; }),
         "make it [25, 16]: see ff 25" + in_config);
  expect(run.loading_with([](TrainingConfig& config) { transformer_of(config).positions = Positions::learned; }),
         "no tensor 'source_positions.weight'" + asks + "positions learned");
  expect(run.loading_with([](TrainingConfig& config) { config.model = RnnConfig{.attention = {}}; }),
         "make it [12, 64]: see embedding 64" + in_config);
  expect(run.loading_with([](TrainingConfig& config) { config.model = RnnConfig{.embedding = 16, .attention = {}}; }),
         "no tensor 'encoder.rnn.weight_ih_l0'" + asks + "model rnn");
  write_durably(run.folder.config(), to_json(run.config).dump());
  write_durably(run.folder.source_vocabulary(), read_file(run.folder.source_vocabulary()) + "more\n");
  expect(run.loading(), "make it [13, 16]: see the lines of source.vocab" + in_config);
}

TEST(SavedModel, NamesTheSettingsBehindARecurrentModelsSizes) {
  TrainingConfig config = toy_config();
  config.model = RnnConfig{.attention = Score::additive};
  EXPECT_EQ(settings_behind(config, "source_embedding.weight", 1), "embedding 64");
  EXPECT_EQ(settings_behind(config, "encoder.rnn.weight_ih_l0", 0), "hidden 128 and cell gru");
  EXPECT_EQ(settings_behind(config, "encoder.rnn.weight_ih_l0", 1), "embedding 64");
  EXPECT_EQ(settings_behind(config, "decoder.cell.weight_ih", 1), "embedding 64 and hidden 128");
  EXPECT_EQ(settings_behind(config, "decoder.cell.bias_hh", 0), "hidden 128 and cell gru");
  EXPECT_EQ(settings_behind(config, "decoder.combine.weight", 1), "hidden 128");
  EXPECT_EQ(settings_behind(config, "generator.bias", 0), "the lines of target.vocab");
  EXPECT_EQ(setting_behind(config, "decoder.score.energy"), "score additive");
}

TEST(SavedModel, RefusesNumbersOfAnotherKindThanReal) {
  ToyRun run;
  const SafetensorsFile file = SafetensorsFile::read(run.folder.model());
  std::vector<StoredTensor> tensors = file.tensors();
  tensors[2].dtype = Dtype::I32;  // as many bytes as F32
  write_safetensors(run.folder.model(), tensors, file.metadata());
  EXPECT_EQ(run.loading(), run.folder.model() + ": " + tensors[2].name + " holds I32, where real numbers are needed");
}

TEST(SavedModel, RefusesAnAlignmentThatTheModelHasNot) {
  ToyRun run;
  for (const AlignmentReading bad : {AlignmentReading{1, 0, 0}, {0, 2, 0}, {0, 0, 2}, {-1, 0, 0}, {0, -1, 0}}) {
    save_model(run.folder.model(), *run.model, bad);
    EXPECT_TRUE(run.loading().starts_with(run.folder.model() + ": \"alignment_")) << run.loading();
  }
}

TEST(SavedModel, RefusesAModelWithNumbersThatAreNotFinite) {
  ToyRun run;
  const SafetensorsFile file = SafetensorsFile::read(run.folder.model());
  std::vector<StoredTensor> tensors = file.tensors();
  std::vector<float> bias = file.tensor("generator.bias").as<float>();
  bias[3] = INFINITY;
  for (StoredTensor& tensor : tensors)
    if (tensor.name == "generator.bias") tensor = StoredTensor::of<float>(tensor.name, tensor.shape, bias);
  write_safetensors(run.folder.model(), tensors, file.metadata());
  EXPECT_NE(run.loading().find("model.safetensors: generator.bias holds a value that is not finite"), std::string::npos)
      << run.loading();
}

TEST(Checkpoint, ReadsBackEverything) {
  ToyRun run;
  Adam<float> adam(run.model->parameters());
  Random random(1);
  for (float& m : adam.memory()[0].block.span()) m = static_cast<float>(random.normal());
  for (float& v : adam.memory()[1].block.span()) v = static_cast<float>(random.uniform());
  const TrainingState state{.position = {7, 11},
                            .best = {.bleu = 100.0 / 3, .loss = 1e-3 / 7, .validations_without_improvement = 4},
                            .validation_is_due = true,
                            .data_hash = 0xfedc'ba98'7654'3210,
                            .valid_hash = 0x0123'4567'89ab'cdef};
  adam.set_steps(1'234'567'890'123);
  save_checkpoint(run.folder.checkpoint(), *run.model, adam, state);
  const auto model = make_model<float>(model_for(run.config, run.source.size(), run.target.size()));
  Adam<float> resumed(model->parameters());
  const TrainingState read = load_checkpoint(run.folder.checkpoint(), *model, resumed);
  EXPECT_EQ(resumed.steps(), 1'234'567'890'123);
  EXPECT_EQ(read.position, state.position);
  EXPECT_EQ(read.best.bleu, state.best.bleu);
  EXPECT_EQ(read.best.loss, state.best.loss);
  EXPECT_EQ(read.best.validations_without_improvement, 4);
  EXPECT_TRUE(read.validation_is_due);
  EXPECT_EQ(read.data_hash, state.data_hash);
  EXPECT_EQ(read.valid_hash, state.valid_hash);
  EXPECT_EQ(parameters_of(*model), parameters_of(*run.model));
  for (std::size_t i = 0; i < model->parameters().entries().size(); ++i) {
    const auto same = [&](std::span<float> a, std::span<float> b) {
      return std::ranges::equal(model->parameters().part(a, i), model->parameters().part(b, i));
    };
    EXPECT_TRUE(same(resumed.memory()[0].block.span(), adam.memory()[0].block.span()));
    EXPECT_TRUE(same(resumed.memory()[1].block.span(), adam.memory()[1].block.span()));
  }
}

TEST(Checkpoint, RefusesAMeanOfSquaresBelowZero) {
  ToyRun run;
  Adam<float> adam(run.model->parameters());
  run.model->parameters().part(adam.memory()[1].block.span(), 3)[1] = -1e-20F;
  save_checkpoint(run.folder.checkpoint(), *run.model, adam, {});
  const std::string message =
      message_of<std::runtime_error>([&] { load_checkpoint(run.folder.checkpoint(), *run.model, adam); });
  EXPECT_EQ(message, fmt::format("{}: second_moment.{} holds -1e-20, but a mean of squares is never negative",
                                 run.folder.checkpoint(), run.model->parameters().entries()[3].name));
}

TEST(Checkpoint, NamesWhatIsWrong) {
  ToyRun run;
  Adam<float> adam(run.model->parameters());
  const std::string path = run.folder.checkpoint();
  const auto loading = [&] { return message_of<std::runtime_error>([&] { load_checkpoint(path, *run.model, adam); }); };
  EXPECT_NE(loading().find("checkpoint.safetensors: cannot open"), std::string::npos) << loading();
  save_model(path, *run.model, {});
  EXPECT_NE(loading().find("checkpoint.safetensors: no tensor 'first_moment."), std::string::npos) << loading();
  save_checkpoint(path, *run.model, adam, {});
  const SafetensorsFile file = SafetensorsFile::read(path);
  for (const char* step : {"many", "", "99999999999999999999", "1.5"}) {
    auto metadata = file.metadata();
    metadata["step"] = step;
    write_safetensors(path, file.tensors(), metadata);
    EXPECT_NE(loading().find("\"step\" is no number"), std::string::npos) << loading();
  }
  const auto with = [&](const std::string& key, const std::string& value) {
    auto metadata = file.metadata();
    metadata[key] = value;
    write_safetensors(path, file.tensors(), metadata);
    return loading();
  };
  for (const auto& [key, value] : {std::pair("step", "-1"),
                                   {"step", "9223372036854775807"},
                                   {"epoch", "18446744073709551615"},
                                   {"batch", "18446744073709551615"},
                                   {"best_bleu", "nan"},
                                   {"best_bleu", "-2"},
                                   {"best_bleu", "1e300"},
                                   {"best_loss", "inf"},
                                   {"best_loss", "-nan"},
                                   {"best_loss", "-1"},
                                   {"validations_without_improvement", "-1"},
                                   {"validations_without_improvement", "2147483647"}})
    EXPECT_NE(with(key, value)
                  .find(fmt::format("checkpoint.safetensors: \"{}\" is {}, which is not within", key,
                                    std::string(value) == "1e300" ? "1e+300" : value)),
              std::string::npos)
        << loading();
  EXPECT_LT(with("step", std::string(1'000'000, '1')).size(), path.size() + 100);
  auto metadata = file.metadata();
  metadata.erase("epoch");
  write_safetensors(path, file.tensors(), metadata);
  EXPECT_NE(loading().find("\"epoch\" is missing"), std::string::npos) << loading();
}

}  // namespace
}  // namespace qkv
