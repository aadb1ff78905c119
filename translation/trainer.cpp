#include "qkv/translation/trainer.h"

#include <chrono>
#include <cmath>

#include "qkv/files/durable_file.h"
#include "qkv/files/message.h"
#include "qkv/train/adam.h"
#include "qkv/train/learner.h"
#include "qkv/translation/batch_loss.h"
#include "qkv/translation/metrics_log.h"
#include "qkv/translation/run_tokenisers.h"
#include "qkv/translation/saved_model.h"
#include "qkv/translation/snapshots.h"
#include "qkv/translation/training_memory.h"

namespace qkv {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One run from its first step, or from a checkpoint, to its last; the data is tokens of these tokenisers.
class Run {
 public:
  Run(const TrainingConfig& config, const TrainingData& data, const Tokenisers& tokenisers, const RunFolder& folder,
      RunStart start, const TrainingObserver& observer, const StopFlag& stop)
      : config_(config),
        data_(data),
        tokenisers_(tokenisers),
        folder_(folder),
        observer_(observer),
        stop_(stop),
        lock_(start == RunStart::resume ? std::optional(folder.lock()) : std::nullopt),
        source_(start == RunStart::resume ? Vocabulary::load(folder.source_vocabulary())
                                          : Vocabulary(data.train, &Pair::source, config.min_frequency)),
        target_(start == RunStart::resume ? Vocabulary::load(folder.target_vocabulary())
                                          : Vocabulary(data.train, &Pair::target, config.min_frequency)),
        model_(start == RunStart::resume ? resumed_model() : new_model()),
        learner_(model_->parameters(), {.workers = config.workers, .seed = config.seed}),
        optimiser_(model_->parameters(), config.adam),
        batches_(encoded(start), config.batch_size, config.shuffle ? Order::shuffled : Order::cyclic, config.seed) {
    if (!data.valid.empty()) check_lengths(*model_, data.valid, data.valid_file, tokenisers);
    for (const auto& test : data.tests) check_lengths(*model_, test.pairs, test.file, tokenisers);
    total_steps_ = config.steps ? *config.steps : steps_in(static_cast<std::uint64_t>(config.epochs));
    schedule_ = {config.schedule, config.lr, config.warmup, total_steps_};
    const std::uint64_t data_hash = hash_of(data.train), valid_hash = hash_of(data.valid);
    if (start == RunStart::resume) {
      state_ = load_checkpoint(folder.checkpoint(), *model_, optimiser_);
      learner_.set_batches(optimiser_.steps());
      if (state_.data_hash != data_hash)
        throw std::runtime_error(fmt::format(
            "{} was trained on other sentences than are in the training file now; resuming would mix the two",
            folder.path.string()));
      check_position();
      folder.remove_temporaries();
      if (state_.valid_hash && *state_.valid_hash != valid_hash) start_new_best();
    } else {
      model_->parameters().initialise(config.seed);
      lock_.emplace(folder.create(start == RunStart::overwrite));
    }
    if (lock_->why_not_held())
      observer_.on_message(fmt::format("{} cannot be locked ({}); make sure that no other process trains into it",
                                       folder.path.string(), *lock_->why_not_held()));
    state_.data_hash = data_hash;
    state_.valid_hash = valid_hash;
    write_durably(folder.config(), to_json(config).dump(2) + "\n");
    if (start != RunStart::resume) {
      save_tokenisers(folder, tokenisers);
      source_.save(folder.source_vocabulary());
      target_.save(folder.target_vocabulary());
    }
  }

  TrainingResult operator()() {
    Logs logs{{folder_.metrics(), optimiser_.steps()},
              {folder_.snapshots(), optimiser_.steps(), *model_, source_, target_,
               data_.valid.empty() ? data_.train : data_.valid}};
    if (optimiser_.steps() == 0) logs.snapshots.take(0);
    batches_.reserve(batch_);
    const Clock::time_point start = Clock::now();
    const std::int64_t first_step = optimiser_.steps();
    if (state_.validation_is_due) validate(logs);
    while (optimiser_.steps() < total_steps_ && !stop_ && !is_out_of_patience()) {
      const Clock::time_point step_start = Clock::now();
      batches_.fill(state_.position, batch_);
      const std::int64_t step = optimiser_.steps() + 1;
      const double rate = schedule_(step);
      const double loss = differentiate(step);
      if (config_.clip > 0) learner_.clip(config_.clip);
      optimiser_.step(learner_.gradient(), rate);
      const std::uint64_t epoch = state_.position.epoch;
      state_.position = batches_.next(state_.position);
      const double tokens_per_second = static_cast<double>(batch_.target_tokens) / seconds_since(step_start);
      logs.metrics.step({step, epoch, loss, rate, learner_.norm(), tokens_per_second});
      const double pace = seconds_since(start) / static_cast<double>(step - first_step);
      if (is_snapshot_step(step)) logs.snapshots.take(step);
      observer_.on_step({step, total_steps_, epoch, loss, rate, learner_.norm(), tokens_per_second,
                         pace * static_cast<double>(total_steps_ - step)});
      state_.validation_is_due =
          step == total_steps_ ||
          (config_.validate_every > 0 ? step % config_.validate_every == 0 : state_.position.epoch != epoch);
      if (state_.validation_is_due) validate(logs);
    }
    TrainingResult result;
    result.steps = optimiser_.steps();
    result.interrupted = state_.validation_is_due || (optimiser_.steps() < total_steps_ && !is_out_of_patience());
    if (result.interrupted || total_steps_ == 0 || optimiser_.steps() == first_step) save(logs);
    if (!fs::exists(folder_.model())) save_model(folder_.model(), *model_, {});
    if (!result.interrupted) {
      logs.snapshots.take(optimiser_.steps());
      logs.snapshots.flush();
      finish(result);
    }
    return result;
  }

 private:
  /// What grows while training goes on.
  struct Logs {
    MetricsLog metrics;
    Snapshots snapshots;
  };

  EncodedPairs encoded(RunStart start) {
    EncodedPairs pairs(data_.train, source_, target_, config_.max_length);
    const std::size_t all = data_.train.size();
    if (pairs.size() == 0) {
      const std::string too_long = fmt::format(
          "{} longer than `max_length` {}",
          all == 1 ? "the only training pair is" : fmt::format("all {} training pairs are", all), config_.max_length);
      if (start == RunStart::resume) throw std::runtime_error(fmt::format("{}: {}", folder_.config(), too_long));
      throw std::invalid_argument(too_long);
    }
    if (pairs.left_out() > 0)
      observer_.on_message(
          fmt::format("{0} of {1} {2} longer than {3} and {2} left out", pairs.left_out(),
                      counted(all, "training pair"), pairs.left_out() == 1 ? "is" : "are",
                      counted(static_cast<std::size_t>(config_.max_length), name_of_token(*tokenisers_.source))));
    return pairs;
  }

  std::unique_ptr<Seq2Seq<float>> new_model() const {
    check_memory(config_, source_.size(), target_.size());
    return make_model<float>(model_for(config_, source_.size(), target_.size()));
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
    const auto steps = static_cast<std::uint64_t>(optimiser_.steps());
    const std::uint64_t most_epochs = (std::uint64_t{1} << 62) / batches_.pairs().size();
    if (epoch > most_epochs || batch >= batches_.count(epoch) || steps != batches_.count_before(epoch) + batch)
      throw std::runtime_error(
          fmt::format("{}: after {} steps in batches of {}, training does not stand at batch {} of epoch {}",
                      folder_.checkpoint(), optimiser_.steps(), config_.batch_size, batch, epoch));
  }

  std::int64_t steps_in(std::uint64_t epochs) const { return static_cast<std::int64_t>(batches_.count_before(epochs)); }

  double differentiate(std::int64_t step) {
    try {
      return learner_.differentiate_sum(batch_.size, [this](const Shard& shard) {
        return loss_of<float>(*model_, batch_, shard, config_.label_smoothing);
      });
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(
          fmt::format("step {}: {}; a smaller `lr`, a longer `warmup` or `clip` may help", step, error.what()));
    }
  }

  /// The scores of the best model so far say nothing about other sentences.
  void start_new_best() {
    observer_.on_message(data_.valid.empty()
                             ? "there is no validation set any more, so from now on the last model is kept"
                             : "the validation set is not the one from before, so its best model is chosen anew");
    state_.best_bleu = TrainingState{}.best_bleu;
    state_.best_loss = TrainingState{}.best_loss;
    state_.validations_without_improvement = 0;
    state_.validation_is_due = true;
  }

  bool is_out_of_patience() const {
    return config_.patience > 0 && state_.validations_without_improvement >= config_.patience;
  }

  /// Scores the model on the validation set and keeps it if it is the best; the validation stays due if it is stopped.
  void validate(Logs& logs) {
    bool is_best = true;
    std::optional<AlignmentReading> alignment;
    if (!data_.valid.empty()) {
      const std::optional<Evaluation> evaluation = evaluated(data_.valid, "the validation set");
      if (!evaluation) return;
      if (evaluation->alignment) alignment = evaluation->alignment->best().reading;
      is_best = evaluation->scores.bleu > state_.best_bleu ||
                (evaluation->scores.bleu == state_.best_bleu && evaluation->loss < state_.best_loss);
      if (is_best) {
        state_.best_bleu = evaluation->scores.bleu;
        state_.best_loss = evaluation->loss;
      }
      state_.validations_without_improvement = is_best ? 0 : state_.validations_without_improvement + 1;
      logs.metrics.validation(
          {optimiser_.steps(), evaluation->loss, evaluation->scores.bleu, evaluation->scores.exact_match});
      observer_.on_validation({optimiser_.steps(), *evaluation, is_best});
    }
    if (is_best) {
      remove_file(folder_.test());  // it would be another model's
      save_model(folder_.model(), *model_, alignment);
    }
    state_.validation_is_due = false;
    save(logs);
  }

  /// Nothing if it was stopped.
  std::optional<Evaluation> evaluated(const std::vector<Pair>& pairs, const std::string& name) {
    try {
      return evaluate(*model_, source_, target_, pairs, learner_.team(), {}, stop_, tokenisers_);
    } catch (const Stopped&) {
      return std::nullopt;
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("step {}: on {}, {}; a smaller `lr`, a longer `warmup` or `clip` may help",
                                           optimiser_.steps(), name, error.what()));
    }
  }

  void save(Logs& logs) {
    logs.metrics.flush();
    logs.snapshots.flush();
    save_checkpoint(folder_.checkpoint(), *model_, optimiser_, state_);
  }

  /// Tests the best model on each test file there is.
  void finish(TrainingResult& result) {
    if (data_.valid.empty() && total_steps_ > 0)
      observer_.on_message("there is no validation set, so the last model is kept");
    if (data_.tests.empty()) return;
    load(folder_.model(), model_->parameters());
    nlohmann::ordered_json json;
    for (const auto& [name, file, pairs] : data_.tests) {
      std::optional<Evaluation> evaluation = evaluated(pairs, file);
      if (!evaluation) {
        result.interrupted = true;
        result.tests.clear();
        return;
      }
      json[name] = to_json(*evaluation);
      result.tests.emplace_back(name, std::move(*evaluation));
    }
    write_durably(folder_.test(), json.dump(2) + "\n");
  }

  const TrainingConfig& config_;
  const TrainingData& data_;
  const Tokenisers& tokenisers_;
  const RunFolder& folder_;
  const TrainingObserver& observer_;
  const StopFlag& stop_;
  std::optional<RunLock> lock_;
  Vocabulary source_, target_;
  std::unique_ptr<Seq2Seq<float>> model_;
  Learner<float> learner_;
  Adam<float> optimiser_;
  Batches batches_;
  Batch batch_;
  TrainingState state_;
  Schedule schedule_;
  std::int64_t total_steps_ = 0;
};

}  // namespace

TrainingResult train(const TrainingConfig& config, TrainingData data, const RunFolder& folder, RunStart start,
                     const TrainingObserver& observer, const StopFlag& stop) {
  check(!folder.path.empty(), "train: the run folder's name is empty");
  check_settings(config);
  check(config.patience == 0 || !data.valid.empty(), "`patience` needs a validation set; give `valid`");
  try {
    const Tokenisers tokenisers =
        start == RunStart::resume ? load_tokenisers(folder, config) : tokenisers_for(config, data.train);
    data = tokenised(std::move(data), tokenisers);
    return Run(config, data, tokenisers, folder, start, observer, stop)();
  } catch (const std::bad_alloc&) {
    const Vocabulary source(data.train, &Pair::source, config.min_frequency),
        target(data.train, &Pair::target, config.min_frequency);
    throw std::runtime_error(
        fmt::format("there is not enough memory: {}", memory_advice(config, source.size(), target.size())));
  }
}

}  // namespace qkv
