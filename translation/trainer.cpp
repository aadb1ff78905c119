#include "qkv/translation/trainer.h"

#include <chrono>
#include <cmath>

#include "qkv/files/durable_file.h"
#include "qkv/files/message.h"
#include "qkv/translation/metrics_log.h"
#include "qkv/translation/run_tokenisers.h"
#include "qkv/translation/saved_model.h"
#include "qkv/translation/snapshots.h"
#include "qkv/translation/training_memory.h"
#include "qkv/translation/training_steps.h"
#include "qkv/translation/unknown_targets.h"

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
        steps_(*model_, encoded(start), config) {
    if (!data.valid.empty()) check_lengths(*model_, data.valid, data.valid_file, tokenisers);
    for (const auto& test : data.tests) check_lengths(*model_, test.pairs, test.file, tokenisers);
    total_steps_ = steps_.asked_by(config);
    epochs_ = steps_.epochs_in(total_steps_);
    const std::uint64_t data_hash = hash_of(data.train), valid_hash = hash_of(data.valid);
    if (start == RunStart::resume) {
      state_ = load_checkpoint(folder.checkpoint(), *model_, steps_.optimiser());
      if (state_.data_hash != data_hash)
        throw std::runtime_error(fmt::format(
            "{} was trained on other sentences than are in the training file now; resuming would mix the two",
            folder.path.string()));
      if (!steps_.end_at(state_.position))
        throw std::runtime_error(fmt::format(
            "{}: after {} steps in batches of {}, training does not stand at batch {} of epoch {}", folder.checkpoint(),
            steps_.made(), described_batches(config), state_.position.batch, state_.position.epoch));
      folder.remove_temporaries();
      if (state_.valid_hash && *state_.valid_hash != valid_hash) start_new_best();
      if (state_.keep != config.keep) keep_by_the_other_score();
      const std::int64_t before = steps_.asked_by(read_settings_file(folder.config()).config);
      going_on_ = steps_.going_on(before, total_steps_);
    } else {
      model_->parameters().initialise(config.seed);
      lock_.emplace(folder.create(start == RunStart::overwrite));
    }
    if (lock_->why_not_held())
      observer_.on_message(fmt::format("{} cannot be locked ({}); make sure that no other process trains into it",
                                       folder.path.string(), *lock_->why_not_held()));
    steps_.go_on(total_steps_);
    state_.data_hash = data_hash;
    state_.valid_hash = valid_hash;
    state_.keep = config.keep;
    write_durably(folder.config(), to_json(config).dump(2) + "\n");
    if (start != RunStart::resume) {
      save_tokenisers(folder, tokenisers);
      source_.save(folder.source_vocabulary());
      target_.save(folder.target_vocabulary());
      if (config.optimizer == OptimiserKind::adamw && config.adam.weight_decay == 0)
        observer_.on_message("with a `weight_decay` of 0, adamw does what adam does");
      if (const auto note = note_on_unknown_targets(data.valid, target_, *tokenisers.target))
        observer_.on_message(*note);
    }
  }

  TrainingResult operator()() {
    Logs logs{{folder_.metrics(), steps_.made()},
              {folder_.snapshots(), steps_.made(), *model_, source_, target_,
               data_.valid.empty() ? data_.train : data_.valid}};
    if (steps_.made() == 0 || steps_.made() < total_steps_)
      observer_.on_start({config_, model_->parameters().count(), source_.size(), target_.size(), steps_.pairs(),
                          steps_.made(), total_steps_, epochs_});
    if (!going_on_.empty()) observer_.on_message(going_on_);
    if (steps_.made() == 0) logs.snapshots.take(0);
    const Clock::time_point start = Clock::now();
    const std::int64_t first_step = steps_.made();
    if (state_.validation_is_due) validate(logs);
    while (steps_.made() < total_steps_ && !stop_ && !is_out_of_patience()) {
      const Clock::time_point step_start = Clock::now();
      const std::uint64_t epoch = state_.position.epoch;
      const auto [loss, rate, norm, target_tokens] = make_step();
      const std::int64_t step = steps_.made();
      const double tokens_per_second = static_cast<double>(target_tokens) / seconds_since(step_start);
      logs.metrics.step({step, epoch, loss, rate, norm, tokens_per_second});
      const double pace = seconds_since(start) / static_cast<double>(step - first_step);
      if (is_snapshot_step(step)) logs.snapshots.take(step);
      observer_.on_step({step, total_steps_, epoch, epochs_, loss, rate, norm, tokens_per_second,
                         pace * static_cast<double>(total_steps_ - step)});
      state_.validation_is_due =
          step == total_steps_ ||
          (config_.validate_every > 0 ? step % config_.validate_every == 0 : state_.position.epoch != epoch);
      if (state_.validation_is_due) validate(logs);
    }
    TrainingResult result;
    result.steps = steps_.made();
    result.interrupted = state_.validation_is_due || (steps_.made() < total_steps_ && !is_out_of_patience());
    if (result.interrupted || total_steps_ == 0 || steps_.made() == first_step) save(logs);
    if (!fs::exists(folder_.model())) save_model(folder_.model(), *model_, {});
    if (!result.interrupted) {
      logs.snapshots.take(steps_.made());
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
    std::int64_t longest = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) longest = std::max(longest, longer_side(pairs, i));
    if (config_.batch_words > 0 && longest > config_.batch_words)
      throw std::invalid_argument(fmt::format(
          "a training pair has {} on its longer side, <eos> counted, but `batch_words` is {}; give "
          "more, or a smaller `max_length`, which leaves such pairs out",
          counted(static_cast<std::size_t>(longest), name_of_token(*tokenisers_.source)), config_.batch_words));
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

  TrainingSteps::Step make_step() {
    try {
      return steps_.make(state_.position);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("step {}: {}; a smaller `lr`, a longer `warmup` or `clip` may help",
                                           steps_.made() + 1, error.what()));
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

  /// Both scores of the best model so far are known, so the next ones are compared with it by the other one.
  void keep_by_the_other_score() {
    if (has_best())
      observer_.on_message(
          fmt::format("from now on the best model is the one of the best {}; the one so far has a loss "
                      "of {:.4f} and BLEU {:.1f}",
                      config_.keep == Keep::loss ? "loss" : "BLEU", state_.best_loss, state_.best_bleu));
    state_.validations_without_improvement = 0;
  }

  bool has_best() const { return state_.best_bleu >= 0; }

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
      is_best = !has_best() ||
                is_better(config_.keep, evaluation->scores.bleu, evaluation->loss, state_.best_bleu, state_.best_loss);
      if (is_best) {
        state_.best_bleu = evaluation->scores.bleu;
        state_.best_loss = evaluation->loss;
      }
      state_.validations_without_improvement = is_best ? 0 : state_.validations_without_improvement + 1;
      logs.metrics.validation(
          {steps_.made(), evaluation->loss, evaluation->scores.bleu, evaluation->scores.exact_match});
      const std::uint64_t epoch = steps_.epochs_in(steps_.made()) - 1;
      const Pair sample = words_of(data_.valid.front());
      observer_.on_validation({steps_.made(), epoch, epochs_, *evaluation, sample,
                               tokenisers_.target->words(evaluation->translations.front()), is_best});
    }
    if (is_best) {
      remove_file(folder_.test());  // it would be another model's
      save_model(folder_.model(), *model_, alignment);
    }
    state_.validation_is_due = false;
    save(logs);
  }

  Pair words_of(const Pair& tokens) const {
    return {.source = tokenisers_.source->words(tokens.source),
            .target = tokenisers_.target->words(tokens.target),
            .links = {}};
  }

  /// Nothing if it was stopped.
  std::optional<Evaluation> evaluated(const std::vector<Pair>& pairs, const std::string& name) {
    try {
      return evaluate(*model_, source_, target_, pairs, steps_.team(), {}, stop_, tokenisers_);
    } catch (const Stopped&) {
      return std::nullopt;
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("step {}: on {}, {}; a smaller `lr`, a longer `warmup` or `clip` may help",
                                           steps_.made(), name, error.what()));
    }
  }

  void save(Logs& logs) {
    logs.metrics.flush();
    logs.snapshots.flush();
    save_checkpoint(folder_.checkpoint(), *model_, steps_.optimiser(), state_);
  }

  /// Compares the best model's losses, and tests it on each test file there is.
  void finish(TrainingResult& result) {
    if (data_.valid.empty() && total_steps_ > 0)
      observer_.on_message("there is no validation set, so the last model is kept");
    load(folder_.model(), model_->parameters());
    if (!data_.valid.empty() && has_best() && !compare_losses(result)) return;
    if (data_.tests.empty()) return;
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

  /// False if it was stopped.
  bool compare_losses(TrainingResult& result) {
    try {
      const std::vector<Pair> learnt = spread(data_.train, data_.valid.size(), config_.max_length);
      result.losses = {mean_loss(*model_, source_, target_, learnt, steps_.team(), stop_), state_.best_loss};
    } catch (const Stopped&) {
      result.interrupted = true;
    }
    return !result.interrupted;
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
  TrainingSteps steps_;
  TrainingState state_;
  std::int64_t total_steps_ = 0;
  std::uint64_t epochs_ = 0;
  std::string going_on_;  // what there is to tell of a training that goes on
};

}  // namespace

TrainingResult train(const TrainingConfig& config, TrainingData data, const RunFolder& folder, RunStart start,
                     const TrainingObserver& observer, const StopFlag& stop) {
  check(!folder.path.empty(), "train: the run folder's name is empty");
  check_settings(config);
  check(config.patience == 0 || !data.valid.empty(), "`patience` needs a validation set; give `valid`");
  check(config.keep == Keep::bleu || !data.valid.empty() || start == RunStart::resume,
        "`keep` {} needs a validation set; give `valid`", name_of(config.keep));
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
