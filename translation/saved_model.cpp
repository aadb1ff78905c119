#include "qkv/translation/saved_model.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <initializer_list>
#include <limits>
#include <set>

#include "qkv/autograd/check.h"
#include "qkv/files/message.h"
#include "qkv/translation/model_factory.h"
#include "qkv/translation/run_folder.h"
#include "qkv/translation/tensor_settings.h"

namespace qkv {

namespace {

namespace fs = std::filesystem;

std::vector<std::int64_t> dimensions(const Shape& shape) {
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < shape.rank(); ++i) sizes.push_back(shape.dim(i));
  return sizes;
}

/// The tensors of one block in the layout of the parameters, to write.
void list_tensors(const Seq2Seq<float>& model, std::span<float> block, const std::string& prefix,
                  std::vector<StoredTensor>& tensors) {
  const auto& entries = model.parameters().entries();
  for (std::size_t i = 0; i < entries.size(); ++i)
    tensors.push_back(StoredTensor::of<float>(prefix + entries[i].name, dimensions(entries[i].shape),
                                              model.parameters().part(block, i)));
}

void read_tensors(const SafetensorsFile& file, const Seq2Seq<float>& model, std::span<float> block,
                  const std::string& prefix) {
  const auto& entries = model.parameters().entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const StoredTensor& tensor = file.tensor(prefix + entries[i].name);
    if (tensor.shape != dimensions(entries[i].shape))
      throw std::runtime_error(
          fmt::format("{}: {} has shape [{}], but the settings and vocabularies beside it make it {}", file.path(),
                      tensor.name, fmt::join(tensor.shape, ", "), entries[i].shape));
    if (tensor.dtype != Dtype::F32 && tensor.dtype != Dtype::F64)
      throw std::runtime_error(fmt::format("{}: {} holds {}, where real numbers are needed", file.path(), tensor.name,
                                           dtype_name(tensor.dtype)));
    const std::vector<float> values = tensor.as<float>();
    for (float value : values)
      if (!std::isfinite(value))
        throw std::runtime_error(fmt::format("{}: {} holds a value that is not finite", file.path(), tensor.name));
    std::copy(values.begin(), values.end(), model.parameters().part(block, i).begin());
  }
}

/// Throws std::runtime_error if the file holds a tensor that the model has not, in none of the blocks that begin with
/// these prefixes: it belongs to other settings.
void refuse_others(const SafetensorsFile& file, const Seq2Seq<float>& model,
                   std::initializer_list<const char*> prefixes) {
  std::set<std::string> names;
  for (const char* prefix : prefixes)
    for (const auto& entry : model.parameters().entries()) names.insert(prefix + entry.name);
  for (const StoredTensor& tensor : file.tensors())
    if (!names.contains(tensor.name))
      throw std::runtime_error(fmt::format(
          "{}: tensor '{}' belongs to none of the parameters that the settings and vocabularies beside it make",
          file.path(), excerpt(tensor.name, 200)));
}

/// A number of the file's metadata. Throws std::runtime_error if it is missing, no number, or outside [least, most].
template <class Number>
Number number_in(const SafetensorsFile& file, const std::string& key, Number least, Number most) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    throw std::runtime_error(fmt::format("{}: \"{}\" is missing from its metadata", file.path(), key));
  const std::string& text = found->second;
  Number number{};
  const char* end = text.data() + text.size();
  const auto [read_until, error] = std::from_chars(text.data(), end, number);
  if (read_until != end || error != std::errc())
    throw std::runtime_error(fmt::format("{}: \"{}\" is no number: {}", file.path(), key, excerpt(text, 60)));
  if (!(number >= least && number <= most))  // which not-a-number is not either
    throw std::runtime_error(
        fmt::format("{}: \"{}\" is {}, which is not within {} and {}", file.path(), key, number, least, most));
  return number;
}

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
                                                   const TrainingConfig& config, int source_words, int target_words) {
  try {
    return make_model<float>(config, source_words, target_words, [&](const std::string& name, const Shape& shape) {
      check_parameter(file, config_path, config, name, shape);
    });
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(fmt::format("{}: {}", config_path, error.what()));
  }
}

TrainedModel load_run(const std::string& path) {
  check(!path.empty(), "load_run: the folder's name is empty");
  const RunFolder folder{path};
  if (!fs::exists(folder.config()))
    throw std::runtime_error(fmt::format("{} is no run: there is no {}; qkv train makes one", path, folder.config()));
  TrainingConfig config;
  read_settings_file(folder.config(), config);
  if (!fs::exists(folder.model()))
    throw std::runtime_error(
        fmt::format("{}: there is no model.safetensors yet; did training get as far as its first "
                    "validation?",
                    path));
  Vocabulary source = Vocabulary::load(folder.source_vocabulary());
  Vocabulary target = Vocabulary::load(folder.target_vocabulary());
  const SafetensorsFile file = SafetensorsFile::read(folder.model());
  std::unique_ptr<Seq2Seq<float>> model =
      make_model_of_file(file, folder.config(), config, source.size(), target.size());
  read_tensors(file, *model, model->parameters().values(), "");
  refuse_others(file, *model, {""});
  std::optional<AlignmentReading> alignment;
  if (file.metadata().contains("alignment_layer")) {
    const bool is_transformer = config.model == ModelKind::transformer;
    alignment = {number_in(file, "alignment_layer", 0, is_transformer ? config.layers - 1 : 0),
                 number_in(file, "alignment_head", 0, is_transformer ? config.heads - 1 : 0),
                 number_in(file, "alignment_offset", 0, 1)};
  }
  return {std::move(config), std::move(source), std::move(target), std::move(model), alignment};
}

namespace {

/// A model with such a number is of no use, and would replace one that is.
void check_finite(const std::string& path, std::span<const StoredTensor> tensors) {
  for (const StoredTensor& tensor : tensors)
    for (const float value : tensor.as<float>())
      if (!std::isfinite(value))
        throw std::runtime_error(
            fmt::format("{} is not written, because {} holds {}; a smaller --lr, a longer --warmup or "
                        "--clip may help",
                        path, tensor.name, value));
}

}  // namespace

void save_model(const std::string& path, const Seq2Seq<float>& model,
                const std::optional<AlignmentReading>& alignment) {
  std::vector<StoredTensor> tensors;
  list_tensors(model, model.parameters().values(), "", tensors);
  check_finite(path, tensors);
  std::map<std::string, std::string> metadata{{"format", "pt"}};
  if (alignment) {
    metadata["alignment_layer"] = std::to_string(alignment->layer);
    metadata["alignment_head"] = std::to_string(alignment->head);
    metadata["alignment_offset"] = std::to_string(alignment->offset);
  }
  write_safetensors(path, tensors, metadata);
}

void load_model(const std::string& path, const Seq2Seq<float>& model) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  read_tensors(file, model, model.parameters().values(), "");
  refuse_others(file, model, {""});
}

void save_checkpoint(const std::string& path, const Seq2Seq<float>& model, const TrainingStep<float>& training,
                     const TrainingState& state) {
  std::vector<StoredTensor> tensors;
  list_tensors(model, model.parameters().values(), "", tensors);
  list_tensors(model, training.first_moment(), "first_moment.", tensors);
  list_tensors(model, training.second_moment(), "second_moment.", tensors);
  check_finite(path, tensors);
  std::map<std::string, std::string> metadata{
      {"step", std::to_string(state.step)},
      {"epoch", std::to_string(state.position.epoch)},
      {"batch", std::to_string(state.position.batch)},
      {"best_bleu", fmt::format("{}", state.best_bleu)},
      {"best_loss", fmt::format("{}", state.best_loss)},
      {"validations_without_improvement", std::to_string(state.validations_without_improvement)},
      {"validation_is_due", state.validation_is_due ? "1" : "0"},
      {"data_hash", std::to_string(state.data_hash)}};
  if (state.valid_hash) metadata["valid_hash"] = std::to_string(*state.valid_hash);
  write_safetensors(path, tensors, metadata);
}

TrainingState load_checkpoint(const std::string& path, const Seq2Seq<float>& model,
                              const TrainingStep<float>& training) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  read_tensors(file, model, model.parameters().values(), "");
  read_tensors(file, model, training.first_moment(), "first_moment.");
  read_tensors(file, model, training.second_moment(), "second_moment.");
  for (std::size_t i = 0; i < model.parameters().entries().size(); ++i)
    for (const float square : model.parameters().part(training.second_moment(), i))
      if (square < 0)
        throw std::runtime_error(fmt::format("{}: second_moment.{} holds {}, but a mean of squares is never negative",
                                             file.path(), model.parameters().entries()[i].name, square));
  refuse_others(file, model, {"", "first_moment.", "second_moment."});
  TrainingState state;
  constexpr std::int64_t most_steps = std::int64_t{1} << 62;  // so that counting on cannot overflow
  constexpr auto most_places = static_cast<std::uint64_t>(most_steps);
  constexpr int most_validations = 1 << 30;
  constexpr std::uint64_t any_hash = std::numeric_limits<std::uint64_t>::max();
  state.step = number_in<std::int64_t>(file, "step", 0, most_steps);
  state.position = {number_in<std::uint64_t>(file, "epoch", 0, most_places),
                    number_in<std::uint64_t>(file, "batch", 0, most_places)};
  state.best_bleu = number_in<double>(file, "best_bleu", -1, 100 + 1e-9);
  state.best_loss = number_in<double>(file, "best_loss", 0, std::numeric_limits<double>::max());
  state.validations_without_improvement = number_in(file, "validations_without_improvement", 0, most_validations);
  state.data_hash = number_in<std::uint64_t>(file, "data_hash", 0, any_hash);
  if (file.metadata().contains("validation_is_due"))
    state.validation_is_due = number_in(file, "validation_is_due", 0, 1) == 1;
  if (file.metadata().contains("valid_hash"))
    state.valid_hash = number_in<std::uint64_t>(file, "valid_hash", 0, any_hash);
  return state;
}

}  // namespace qkv
