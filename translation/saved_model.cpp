#include "qkv/translation/saved_model.h"

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "qkv/autograd/check.h"
#include "qkv/files/message.h"
#include "qkv/translation/run_folder.h"
#include "qkv/translation/run_tokenisers.h"
#include "qkv/translation/tensor_settings.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

/// Throws std::runtime_error, naming the setting behind it, unless the file has this parameter.
void check_parameter(const SafetensorsFile& file, const std::string& config_path, const TrainingConfig& config,
                     const std::string& name, const Shape& shape) {
  if (!file.contains(name))
    throw std::runtime_error(fmt::format("{}: no tensor '{}', which {} asks for with {}", file.path(), name,
                                         config_path, setting_behind(config, name)));
  const std::vector<std::int64_t>&stored = file.tensor(name).shape, wanted = dimensions(shape);
  if (stored == wanted) return;
  std::string why;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i < stored.size() && stored[i] == wanted[i]) continue;
    const std::string setting = settings_behind(config, name, static_cast<int>(i));
    if (why.find(setting) == std::string::npos) why += (why.empty() ? "" : " and ") + setting;
  }
  throw std::runtime_error(
      fmt::format("{}: {} has shape [{}], but the settings and vocabularies beside it make it {}: see {} in {}",
                  file.path(), name, fmt::join(stored, ", "), shape, why, config_path));
}

}  // namespace

std::unique_ptr<Seq2Seq<float>> make_model_of_file(const SafetensorsFile& file, const std::string& config_path,
                                                   const TrainingConfig& config, int source_vocabulary,
                                                   int target_vocabulary) {
  try {
    check_settings(config);
    return make_model<float>(
        model_for(config, source_vocabulary, target_vocabulary),
        [&](const std::string& name, const Shape& shape) { check_parameter(file, config_path, config, name, shape); });
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(fmt::format("{}: {}", config_path, error.what()));
  }
}

TrainedModel load_run(const std::string& path) {
  check(!path.empty(), "load_run: the folder's name is empty");
  const RunFolder folder{path};
  if (!fs::exists(folder.config()))
    throw std::runtime_error(fmt::format("{} is no run: there is no {}; training makes one", path, folder.config()));
  TrainingConfig config = read_settings_file(folder.config()).config;
  if (!fs::exists(folder.model()))
    throw std::runtime_error(
        fmt::format("{}: there is no model.safetensors yet; did training get as far as its first "
                    "validation?",
                    path));
  Tokenisers tokenisers = load_tokenisers(folder, config);
  Vocabulary source = Vocabulary::load(folder.source_vocabulary());
  Vocabulary target = Vocabulary::load(folder.target_vocabulary());
  const SafetensorsFile file = SafetensorsFile::read(folder.model());
  std::unique_ptr<Seq2Seq<float>> model =
      make_model_of_file(file, folder.config(), config, source.size(), target.size());
  load(folder.model(), model->parameters());
  std::optional<AlignmentReading> alignment;
  if (file.metadata().contains("alignment_layer")) {
    const CrossAttention attention = cross_attention(config.model);
    alignment = {number_in(file.metadata(), file.path(), "alignment_layer", 0, std::max(attention.layers, 1) - 1),
                 number_in(file.metadata(), file.path(), "alignment_head", 0, std::max(attention.heads, 1) - 1),
                 number_in(file.metadata(), file.path(), "alignment_offset", 0, 1)};
  }
  return {std::move(config), std::move(source), std::move(target), std::move(model), alignment, std::move(tokenisers)};
}

void save_model(const std::string& path, const Seq2Seq<float>& model,
                const std::optional<AlignmentReading>& alignment) {
  Metadata metadata{{"format", "pt"}};
  if (alignment) {
    metadata["alignment_layer"] = std::to_string(alignment->layer);
    metadata["alignment_head"] = std::to_string(alignment->head);
    metadata["alignment_offset"] = std::to_string(alignment->offset);
  }
  save(path, model.parameters(), metadata);
}

void save_checkpoint(const std::string& path, const Seq2Seq<float>& model, const Optimiser<float>& optimiser,
                     const TrainingState& state) {
  Metadata metadata{{"epoch", std::to_string(state.position.epoch)},
                    {"batch", std::to_string(state.position.batch)},
                    {"best_bleu", fmt::format("{}", state.best.bleu)},
                    {"best_loss", fmt::format("{}", state.best.loss)},
                    {"keep", name_of(state.best.keep)},
                    {"validations_without_improvement", std::to_string(state.best.validations_without_improvement)},
                    {"validation_is_due", state.validation_is_due ? "1" : "0"},
                    {"data_hash", std::to_string(state.data_hash)}};
  if (state.valid_hash) metadata["valid_hash"] = std::to_string(*state.valid_hash);
  save(path, model.parameters(), optimiser, metadata);
}

namespace {

Keep keep_in(const Metadata& metadata, const std::string& path) {
  if (const auto keep = value_named(metadata.at("keep"), names_of(Keep{}))) return *keep;
  throw std::runtime_error(
      fmt::format("{}: \"keep\" is {}, neither bleu nor loss", path, excerpt(metadata.at("keep"), 60)));
}

}  // namespace

TrainingState load_checkpoint(const std::string& path, Seq2Seq<float>& model, Optimiser<float>& optimiser) {
  const Metadata metadata = load(path, model.parameters(), optimiser);
  TrainingState state;
  constexpr std::uint64_t most_places = std::uint64_t{1} << 62;
  constexpr int most_validations = 1 << 30;
  constexpr std::uint64_t any_hash = std::numeric_limits<std::uint64_t>::max();
  state.position = {number_in<std::uint64_t>(metadata, path, "epoch", 0, most_places),
                    number_in<std::uint64_t>(metadata, path, "batch", 0, most_places)};
  state.best.bleu = number_in<double>(metadata, path, "best_bleu", -1, 100 + 1e-9);
  state.best.loss = number_in<double>(metadata, path, "best_loss", 0, std::numeric_limits<double>::max());
  state.best.validations_without_improvement =
      number_in(metadata, path, "validations_without_improvement", 0, most_validations);
  state.data_hash = number_in<std::uint64_t>(metadata, path, "data_hash", 0, any_hash);
  if (metadata.contains("validation_is_due"))
    state.validation_is_due = number_in(metadata, path, "validation_is_due", 0, 1) == 1;
  if (metadata.contains("keep")) state.best.keep = keep_in(metadata, path);
  if (metadata.contains("valid_hash"))
    state.valid_hash = number_in<std::uint64_t>(metadata, path, "valid_hash", 0, any_hash);
  return state;
}

}  // namespace qkv
