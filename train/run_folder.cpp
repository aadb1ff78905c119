#include "train/run_folder.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <initializer_list>
#include <set>

#include "autograd/check.h"
#include "datasets/durable_file.h"
#include "train/model_factory.h"
#include "train/safetensors.h"

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
          file.path(), tensor.name));
}

/// Whether this file is the config.json of a run, of whatever version of qkv.
bool is_run_config(const std::string& path) {
  if (!fs::is_regular_file(path)) return false;
  const auto json = nlohmann::json::parse(read_file(path), nullptr, false);
  return json.is_object() && json.contains("qkv") && json.contains("model");
}

template <class Number>
Number number_in(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    throw std::runtime_error(fmt::format("{}: \"{}\" is missing from its metadata", file.path(), key));
  Number number{};
  const char* end = found->second.data() + found->second.size();
  const auto [read_until, error] = std::from_chars(found->second.data(), end, number);
  if (read_until != end || error != std::errc())
    throw std::runtime_error(fmt::format("{}: \"{}\" is no number: {}", file.path(), key, found->second));
  return number;
}

}  // namespace

RunFolder::State RunFolder::state() const {
  if (path.empty()) throw std::invalid_argument("the run folder has no name");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return State::empty;
  if (!fs::is_directory(status)) return State::foreign;
  if (is_run_config(config())) return fs::exists(checkpoint()) ? State::resumable : State::begun;
  const auto is_left_by_a_start = [&](const fs::path& entry) {
    const std::string name = entry.filename().string();
    if (entry == lock_file() || is_temporary_of(name, "config.json")) return true;
    return entry == path / "last" && fs::is_directory(fs::symlink_status(entry));
  };
  for (const auto& entry : fs::recursive_directory_iterator(path, error))
    if (!is_left_by_a_start(entry.path())) return State::foreign;
  return error ? State::foreign : State::empty;
}

void RunFolder::check_resumable() const {
  const State found = state();
  if (found == State::resumable || fs::exists(checkpoint())) return;
  if (fs::exists(lock_file())) lock();  // throws if somebody trains there, and has only just begun
  const std::string missing = fmt::format("{} cannot be resumed: there is no {}", path.string(), checkpoint());
  if (found == State::begun)
    throw std::runtime_error(missing +
                             ", because its training ended before the first one; --overwrite in place of "
                             "--resume starts it anew");
  if (found == State::empty) throw std::runtime_error(missing + "; without --resume, training begins anew");
  throw std::runtime_error(missing + ", and no config.json that qkv wrote; choose another --out");
}

void RunFolder::check_free(bool overwrite) const {
  const State found = state();
  if (found == State::empty || (overwrite && found != State::foreign)) return;
  if (fs::exists(lock_file())) lock();  // throws if somebody trains there, which then is the reason
  const std::string name = path.string();
  if (found == State::resumable)
    throw std::runtime_error(fmt::format(
        "{} exists already; use --resume to go on with it, --overwrite to start it anew, or another --out", name));
  if (found == State::begun)
    throw std::runtime_error(fmt::format(
        "{} exists already, but its training ended before the first checkpoint; use --overwrite to start it "
        "anew, or another --out",
        name));
  throw std::runtime_error(fmt::format(
      "{} is not {}, because it exists and there is no config.json in it that qkv wrote; choose another --out", name,
      overwrite ? "overwritten" : "used"));
}

RunLock RunFolder::create(bool overwrite) const {
  check_free(overwrite);
  std::error_code error;
  fs::create_directories(path / "last", error);
  if (error) throw std::runtime_error(fmt::format("{}: cannot make this folder: {}", path.string(), error.message()));
  RunLock lock = this->lock();
  check_free(overwrite);  // somebody may have been faster
  // The checkpoint first: without it nobody goes on with a run of which a part is gone.
  for (const std::string& file : {checkpoint(), test(), metrics(), model(), source_vocabulary(), target_vocabulary()})
    remove_file(file);
  remove_temporaries();
  return lock;
}

void RunFolder::remove_temporaries() const {
  for (const fs::path file :
       {checkpoint(), test(), metrics(), model(), source_vocabulary(), target_vocabulary(), config()})
    for (const auto& entry : fs::directory_iterator(file.parent_path()))
      if (is_temporary_of(entry.path().filename().string(), file.filename().string()))
        remove_file(entry.path().string());
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
  std::unique_ptr<Seq2Seq<float>> model;
  try {
    model = make_model<float>(config, source.size(), target.size());
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(fmt::format("{}: {}", folder.config(), error.what()));
  }
  const SafetensorsFile file = SafetensorsFile::read(folder.model());
  read_tensors(file, *model, model->parameters().values(), "");
  refuse_others(file, *model, {""});
  std::optional<AlignmentReading> alignment;
  if (file.metadata().contains("alignment_layer"))
    alignment = {number_in<int>(file, "alignment_layer"), number_in<int>(file, "alignment_head"),
                 number_in<int>(file, "alignment_offset")};
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
  refuse_others(file, model, {"", "first_moment.", "second_moment."});
  TrainingState state;
  state.step = number_in<std::int64_t>(file, "step");
  state.position = {number_in<std::uint64_t>(file, "epoch"), number_in<std::uint64_t>(file, "batch")};
  state.best_bleu = number_in<double>(file, "best_bleu");
  state.best_loss = number_in<double>(file, "best_loss");
  state.validations_without_improvement = number_in<int>(file, "validations_without_improvement");
  state.data_hash = number_in<std::uint64_t>(file, "data_hash");
  if (file.metadata().contains("validation_is_due"))
    state.validation_is_due = number_in<int>(file, "validation_is_due") != 0;
  if (file.metadata().contains("valid_hash")) state.valid_hash = number_in<std::uint64_t>(file, "valid_hash");
  return state;
}

}  // namespace qkv
