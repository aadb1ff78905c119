#include "train/trainer.h"

#include <chrono>
#include <cmath>

#include "datasets/csv.h"
#include "datasets/durable_file.h"
#include "train/metrics_log.h"
#include "train/model_factory.h"
#include "train/model_size.h"

namespace qkv {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A number that changes with every word of the pairs.
std::uint64_t hash_of(const std::vector<Pair>& pairs) {
  std::uint64_t hash = pairs.size();
  const auto add = [&](const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      for (const char letter : word) hash = mix64(hash + static_cast<unsigned char>(letter) + 1);
      hash = mix64(hash);
    }
    hash = mix64(hash + 1);
  };
  for (const Pair& pair : pairs) {
    add(pair.source);
    add(pair.target);
  }
  return hash;
}

/// One run from its first step, or from a checkpoint, to its last.
class Run {
 public:
  Run(const TrainingConfig& config, const TrainingData& data, const RunFolder& folder, RunStart start,
      const TrainingObserver& observer)
      : config_(config),
        data_(data),
        folder_(folder),
        observer_(observer),
        source_(start == RunStart::resume ? Vocabulary::load(folder.source_vocabulary())
                                          : Vocabulary(data.train, &Pair::source, config.min_frequency)),
        target_(start == RunStart::resume ? Vocabulary::load(folder.target_vocabulary())
                                          : Vocabulary(data.train, &Pair::target, config.min_frequency)),
        model_(start == RunStart::resume ? resumed_model() : new_model()),
        training_(*model_, config.workers),
        batches_(encoded(start), config.batch_size, config.shuffle ? Order::shuffled : Order::cyclic, config.seed) {
    state_.data_hash = hash_of(data.train);
    if (start == RunStart::resume) {
      const std::uint64_t hash = state_.data_hash;
      state_ = load_checkpoint(folder.checkpoint(), *model_, training_);
      if (state_.data_hash != hash)
        throw std::runtime_error(fmt::format(
            "{} was trained on other sentences than are in the training file now; resuming would mix the two",
            folder.path.string()));
      check_position();
    } else {
      model_->parameters().initialise(config.seed);
      folder.create(start == RunStart::overwrite);
    }
    write_durably(folder.config(), to_json(config).dump(2) + "\n");
    if (start != RunStart::resume) {
      source_.save(folder.source_vocabulary());
      target_.save(folder.target_vocabulary());
    }
    total_steps_ = config.steps ? *config.steps : steps_in(static_cast<std::uint64_t>(config.epochs));
    schedule_ = {config.schedule, config.lr, config.warmup, total_steps_};
  }

  TrainingResult operator()(const std::atomic<bool>& stop) {
    MetricsLog log(folder_.metrics(), state_.step);
    batches_.reserve(batch_);
    const Clock::time_point start = Clock::now();
    const std::int64_t first_step = state_.step;
    while (state_.step < total_steps_ && !stop && !is_out_of_patience()) {
      const Clock::time_point step_start = Clock::now();
      batches_.fill(state_.position, batch_);
      const std::int64_t step = state_.step + 1;
      const double rate = schedule_(step);
      const auto loss = differentiate(step);
      training_.update(config_.adam, rate, config_.clip, step);
      const std::uint64_t epoch = state_.position.epoch;
      state_.step = step;
      state_.position = batches_.next(state_.position);
      const double tokens_per_second = static_cast<double>(batch_.target_tokens) / seconds_since(step_start);
      log.step({step, epoch, loss.value, rate, loss.gradient_norm, tokens_per_second});
      const double pace = seconds_since(start) / static_cast<double>(step - first_step);
      observer_.on_step({step, total_steps_, epoch, loss.value, rate, loss.gradient_norm, tokens_per_second,
                         pace * static_cast<double>(total_steps_ - step)});
      const bool due = config_.validate_every > 0 ? step % config_.validate_every == 0 : state_.position.epoch != epoch;
      if (due || step == total_steps_) validate(log);
    }
    TrainingResult result;
    result.steps = state_.step;
    result.interrupted = state_.step < total_steps_ && !is_out_of_patience();
    if (result.interrupted || total_steps_ == 0 || state_.step == first_step) save(log);
    if (!fs::exists(folder_.model())) save_model(folder_.model(), *model_, {});
    if (!result.interrupted) result.tests = finish();
    return result;
  }

 private:
  EncodedPairs encoded(RunStart start) {
    EncodedPairs pairs(data_.train, source_, target_, config_.max_length);
    if (pairs.left_out() > 0)
      observer_.on_message(fmt::format("{} of {} training pairs are longer than {} words and are left out",
                                       pairs.left_out(), data_.train.size(), config_.max_length));
    if (pairs.size() > 0) return pairs;
    const std::string too_long =
        fmt::format("all {} training pairs are longer than --max-length {}", data_.train.size(), config_.max_length);
    if (start == RunStart::resume) throw std::runtime_error(fmt::format("{}: {}", folder_.config(), too_long));
    throw std::invalid_argument(too_long);
  }

  std::unique_ptr<Seq2Seq<float>> new_model() const {
    check_memory(config_, source_.size(), target_.size());
    return make_model<float>(config_, source_.size(), target_.size());
  }

  /// The checkpoint's header says whether the settings beside it are its own, before they take memory.
  std::unique_ptr<Seq2Seq<float>> resumed_model() const {
    auto model = make_model_of_file(SafetensorsFile::read(folder_.checkpoint()), folder_.config(), config_,
                                    source_.size(), target_.size());
    check_memory(config_, source_.size(), target_.size());
    return model;
  }

  /// Throws std::runtime_error unless the checkpoint's step is the one that its place in the data makes it.
  void check_position() const {
    const auto [epoch, batch] = state_.position;
    const auto steps = static_cast<std::uint64_t>(state_.step);
    const std::uint64_t most_epochs = (std::uint64_t{1} << 62) / batches_.pairs().size();
    if (epoch > most_epochs || batch >= batches_.count(epoch) || steps != batches_.count_before(epoch) + batch)
      throw std::runtime_error(
          fmt::format("{}: after {} steps in batches of {}, training does not stand at batch {} of epoch {}",
                      folder_.checkpoint(), state_.step, config_.batch_size, batch, epoch));
  }

  std::int64_t steps_in(std::uint64_t epochs) const { return static_cast<std::int64_t>(batches_.count_before(epochs)); }

  TrainingStep<float>::Loss differentiate(std::int64_t step) {
    const DrawKey draws{.seed = config_.seed, .step = static_cast<std::uint64_t>(step), .training = true};
    try {
      return training_.differentiate(batch_, config_.label_smoothing, draws);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(
          fmt::format("step {}: {}; a smaller --lr, a longer --warmup or --clip may help", step, error.what()));
    }
  }

  bool is_out_of_patience() const {
    return config_.patience > 0 && state_.validations_without_improvement >= config_.patience;
  }

  void validate(MetricsLog& log) {
    bool is_best = true;
    std::optional<AlignmentReading> alignment;
    if (!data_.valid.empty()) {
      const Evaluation evaluation = evaluate(*model_, source_, target_, data_.valid, training_.team());
      if (!std::isfinite(evaluation.loss))
        throw std::runtime_error(fmt::format(
            "step {}: the loss on the validation set is {}; a smaller --lr, a longer --warmup or --clip may help",
            state_.step, evaluation.loss));
      if (evaluation.alignment) alignment = evaluation.alignment->best().reading;
      is_best = evaluation.scores.bleu > state_.best_bleu ||
                (evaluation.scores.bleu == state_.best_bleu && evaluation.loss < state_.best_loss);
      if (is_best) {
        state_.best_bleu = evaluation.scores.bleu;
        state_.best_loss = evaluation.loss;
      }
      state_.validations_without_improvement = is_best ? 0 : state_.validations_without_improvement + 1;
      log.validation({state_.step, evaluation.loss, evaluation.scores.bleu, evaluation.scores.exact_match});
      observer_.on_validation({state_.step, evaluation, is_best});
    }
    if (is_best) save_model(folder_.model(), *model_, alignment);
    save(log);
  }

  void save(MetricsLog& log) {
    log.flush();
    save_checkpoint(folder_.checkpoint(), *model_, training_, state_);
  }

  /// Tests the best model on each test file there is.
  std::vector<std::pair<std::string, Evaluation>> finish() {
    std::vector<std::pair<std::string, Evaluation>> results;
    if (data_.valid.empty() && total_steps_ > 0)
      observer_.on_message("there is no validation set, so the last model is kept");
    if (data_.tests.empty()) return results;
    load_model(folder_.model(), *model_);
    nlohmann::ordered_json json;
    for (const auto& [name, pairs] : data_.tests) {
      results.emplace_back(name, evaluate(*model_, source_, target_, pairs, training_.team()));
      json[name] = to_json(results.back().second);
    }
    write_durably(folder_.test(), json.dump(2) + "\n");
    return results;
  }

  const TrainingConfig& config_;
  const TrainingData& data_;
  const RunFolder& folder_;
  const TrainingObserver& observer_;
  Vocabulary source_, target_;
  std::unique_ptr<Seq2Seq<float>> model_;
  TrainingStep<float> training_;
  Batches batches_;
  Batch batch_;
  TrainingState state_;
  Schedule schedule_;
  std::int64_t total_steps_ = 0;
};

}  // namespace

TrainingData read_training_data(const TrainingConfig& config) {
  check(!config.data.empty() || !config.train.empty(),
        "there is nothing to train on; give --data DIR or --train F.csv");
  check(config.data.empty() || (config.train.empty() && config.valid.empty() && config.test.empty()),
        "--data names all files; --train, --valid and --test cannot be given with it");
  TrainingData data;
  if (config.data.empty()) {
    data.train = read_pairs(config.train);
    if (!config.valid.empty()) data.valid = read_pairs(config.valid);
    if (!config.test.empty()) data.tests.push_back({"test", read_pairs(config.test)});
    return data;
  }
  const fs::path folder = config.data;
  if (!fs::is_directory(folder))
    throw std::runtime_error(
        fs::exists(folder)
            ? fmt::format("--data {0} is a file; --data names a folder with train.csv, and --train {0} a single file",
                          config.data)
            : fmt::format("there is no folder {0}; qkv data korean-english --out {0} makes one", config.data));
  if (!fs::exists(folder / "train.csv"))
    throw std::runtime_error(
        fmt::format("{}: there is no train.csv in this folder, which --data trains on; a file of any other name is "
                    "given as --train",
                    config.data));
  const auto file = [&](const std::string& name) { return (folder / (name + ".csv")).string(); };
  data.train = read_pairs(file("train"));
  if (fs::exists(file("valid"))) data.valid = read_pairs(file("valid"));
  for (const std::string name : {"test", "long", "composition"})
    if (fs::exists(file(name))) data.tests.push_back({name, read_pairs(file(name))});
  return data;
}

TrainingResult train(const TrainingConfig& config, const TrainingData& data, const RunFolder& folder, RunStart start,
                     const TrainingObserver& observer, const std::atomic<bool>& stop) {
  check_settings(config);
  check(config.patience == 0 || !data.valid.empty(), "--patience needs a validation set; give --valid");
  try {
    return Run(config, data, folder, start, observer)(stop);
  } catch (const std::bad_alloc&) {
    const Vocabulary source(data.train, &Pair::source, config.min_frequency),
        target(data.train, &Pair::target, config.min_frequency);
    throw std::runtime_error(
        fmt::format("there is not enough memory: {}", memory_advice(config, source.size(), target.size())));
  }
}

}  // namespace qkv
