#include "qkv/translation/trainer.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "qkv/autograd/random.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/message.h"
#include "qkv/translation/metrics_log.h"
#include "qkv/translation/run_tokenisers.h"
#include "qkv/translation/saved_model.h"
#include "qkv/translation/snapshots.h"
#include "qkv/translation/training_memory.h"
#include "qkv/translation/training_pairs.h"
#include "qkv/translation/training_steps.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A training from its next step to its last; the data is tokens of these tokenisers.
class Run {
 public:
  Run(const TrainingConfig& config, const TrainingData& data, const Tokenisers& tokenisers, const RunFolder& folder,
      const TrainingObserver& observer, const StopFlag& stop, Ranks& ranks, BegunTraining& begun)
      : config_(config),
        data_(data),
        tokenisers_(tokenisers),
        folder_(folder),
        observer_(observer),
        stop_(stop),
        ranks_(ranks),
        begun_(begun),
        model_(*begun.model),
        steps_(begun.steps),
        state_(begun.state) {}

  /// Every rank learns; the first one also writes, validates and tells.
  TrainingResult operator()() {
    const std::string advice = "each must find the same data and the same run folder";
    ranks_.check_same(mix64(state_.data_hash + *state_.valid_hash), "the data", advice);
    ranks_.check_same(static_cast<std::uint64_t>(steps_.made()), "the checkpoint", advice);
    steps_.check_same_weights();
    TrainingResult result = ranks_.is_first() ? lead() : follow();
    ranks_.together([&] {
      if (ranks_.is_first() && !result.interrupted) finish(result);
    });
    result.interrupted = ranks_.any(result.interrupted);
    return result;
  }

 private:
  /// What grows while training goes on.
  struct Logs {
    MetricsLog metrics;
    Snapshots snapshots;
  };

  bool goes_on() { return steps_.made() < begun_.total_steps && !is_out_of_patience() && !ranks_.any(stop_); }

  /// Whether a validation follows the step that was made, which began in this epoch.
  bool is_due(std::uint64_t epoch) const {
    return steps_.made() == begun_.total_steps ||
           (config_.validate_every > 0 ? steps_.made() % config_.validate_every == 0 : state_.position.epoch != epoch);
  }

  /// How training ended, before the model is tested.
  TrainingResult ended() const {
    TrainingResult result;
    result.steps = steps_.made();
    result.interrupted = state_.validation_is_due || (steps_.made() < begun_.total_steps && !is_out_of_patience());
    return result;
  }

  /// What the other ranks do: the same steps.
  TrainingResult follow() {
    if (state_.validation_is_due) take_note(std::nullopt);
    while (goes_on()) {
      const std::uint64_t epoch = state_.position.epoch;
      make_step();
      state_.validation_is_due = is_due(epoch);
      if (state_.validation_is_due) take_note(std::nullopt);
    }
    return ended();
  }

  /// What the first rank does; it saves what there is when another one is lost.
  TrainingResult lead() {
    Logs logs{{folder_.metrics(), steps_.made()},
              {folder_.snapshots(), steps_.made(), model_, begun_.source, begun_.target,
               data_.valid.empty() ? data_.train : data_.valid}};
    try {
      return lead(logs);
    } catch (const RankLost& error) {
      save(logs);
      throw RankLost(fmt::format("{}; the checkpoint is of step {}, and nothing is lost", error.what(), steps_.made()));
    }
  }

  TrainingResult lead(Logs& logs) {
    if (steps_.made() == 0 || steps_.made() < begun_.total_steps)
      observer_.on_start({config_, model_.parameters().count(), begun_.source.size(), begun_.target.size(),
                          steps_.pairs(), steps_.made(), begun_.total_steps, begun_.epochs, ranks_.size()});
    if (!begun_.going_on.empty()) observer_.on_message(begun_.going_on);
    if (steps_.made() == 0) logs.snapshots.take(0);
    const Clock::time_point start = Clock::now();
    const std::int64_t first_step = steps_.made();
    if (state_.validation_is_due) validate(logs);
    while (goes_on()) {
      const Clock::time_point step_start = Clock::now();
      const std::uint64_t epoch = state_.position.epoch;
      const auto [loss, rate, norm, target_tokens] = make_step();
      const std::int64_t step = steps_.made();
      const double tokens_per_second = static_cast<double>(target_tokens) / seconds_since(step_start);
      logs.metrics.step({step, epoch, loss, rate, norm, tokens_per_second});
      const double pace = seconds_since(start) / static_cast<double>(step - first_step);
      if (is_snapshot_step(step)) logs.snapshots.take(step);
      observer_.on_step({step, begun_.total_steps, epoch, begun_.epochs, loss, rate, norm, tokens_per_second,
                         pace * static_cast<double>(begun_.total_steps - step)});
      state_.validation_is_due = is_due(epoch);
      if (state_.validation_is_due) validate(logs);
    }
    if (is_out_of_patience() && steps_.made() < begun_.total_steps)
      observer_.on_message(fmt::format(
          "no better model in {} validations, so training ends at step {} of {}; a larger `patience`, or 0, goes on",
          config_.patience, steps_.made(), begun_.total_steps));
    const TrainingResult result = ended();
    if (result.interrupted || begun_.total_steps == 0 || steps_.made() == first_step) save(logs);
    if (!fs::exists(folder_.model())) save_model(folder_.model(), model_, {});
    if (!result.interrupted) {
      logs.snapshots.take(steps_.made());
      logs.snapshots.flush();
    }
    return result;
  }

  TrainingSteps::Step make_step() {
    try {
      return steps_.make(state_.position);
    } catch (const RankLost&) {
      throw;
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("step {}: {}; a smaller `lr`, a longer `warmup` or `clip` may help",
                                           steps_.made() + 1, error.what()));
    }
  }

  bool is_out_of_patience() const {
    return config_.patience > 0 && state_.best.validations_without_improvement >= config_.patience;
  }

  /// Tells every rank the scores of a validation, which the first one has made; false if it was stopped.
  bool take_note(const std::optional<Evaluation>& evaluation) {
    double scores[] = {data_.valid.empty() || evaluation ? 1.0 : 0.0, evaluation ? evaluation->scores.bleu : 0,
                       evaluation ? evaluation->loss : 0};
    ranks_.share_first(scores);
    steps_.check_same_weights();
    const auto [is_done, bleu, loss] = scores;
    if (is_done == 0) return false;
    is_best_ = data_.valid.empty() || state_.best.note(bleu, loss);
    state_.validation_is_due = false;
    return true;
  }

  /// Scores the model on the validation set and keeps it if it is the best; the validation stays due if it is stopped.
  void validate(Logs& logs) {
    std::optional<Evaluation> evaluation;
    if (!data_.valid.empty()) evaluation = evaluated(data_.valid, "the validation set");
    if (!take_note(evaluation)) return;
    std::optional<AlignmentReading> alignment;
    if (evaluation) {
      if (evaluation->alignment) alignment = evaluation->alignment->best().reading;
      logs.metrics.validation(
          {steps_.made(), evaluation->loss, evaluation->scores.bleu, evaluation->scores.exact_match});
      const std::uint64_t epoch = steps_.epochs_in(steps_.made()) - 1;
      const Pair sample = words_of(data_.valid.front());
      observer_.on_validation({steps_.made(), epoch, begun_.epochs, *evaluation, sample,
                               tokenisers_.target->words(evaluation->translations.front()), is_best_});
    }
    if (is_best_) {
      remove_file(folder_.test());  // it would be another model's
      save_model(folder_.model(), model_, alignment);
    }
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
      return evaluate(model_, begun_.source, begun_.target, pairs, steps_.team(), {}, stop_, tokenisers_);
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
    save_checkpoint(folder_.checkpoint(), model_, steps_.optimiser(), state_);
  }

  /// Compares the best model's losses, and tests it on each test file there is.
  void finish(TrainingResult& result) {
    if (data_.valid.empty() && begun_.total_steps > 0)
      observer_.on_message("there is no validation set, so the last model is kept");
    load(folder_.model(), model_.parameters());
    if (!data_.valid.empty() && state_.best.is_known() && !compare_losses(result)) return;
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
      result.losses = {mean_loss(model_, begun_.source, begun_.target, learnt, steps_.team(), stop_), state_.best.loss};
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
  Ranks& ranks_;
  const BegunTraining& begun_;
  Seq2Seq<float>& model_;
  TrainingSteps& steps_;
  TrainingState& state_;
  bool is_best_ = false;  // the model of the last validation
};

}  // namespace

TrainingResult train(const TrainingConfig& config, TrainingData data, const RunFolder& folder, RunStart start,
                     const TrainingObserver& observer, const StopFlag& stop, Ranks& ranks) {
  check_settings(config);
  const Tokenisers tokenisers =
      start == RunStart::resume ? load_tokenisers(folder, config) : tokenisers_for(config, data.train);
  return train(config, tokenised(std::move(data), tokenisers), tokenisers, folder, start, observer, stop, ranks);
}

TrainingResult train(const TrainingConfig& config, const TrainingData& tokens, const Tokenisers& tokenisers,
                     const RunFolder& folder, RunStart start, const TrainingObserver& observer, const StopFlag& stop,
                     Ranks& ranks) {
  check(!folder.path.empty(), "train: the run folder's name is empty");
  check_settings(config);
  check(config.patience == 0 || !tokens.valid.empty(), "`patience` needs a validation set; give `valid`");
  check(config.keep == Keep::bleu || !tokens.valid.empty() || start == RunStart::resume,
        "`keep` {} needs a validation set; give `valid`", name_of(config.keep));
  try {
    std::optional<BegunTraining> begun;
    ranks.together([&] { begun.emplace(config, tokens, tokenisers, folder, start, ranks, observer.on_message); });
    return Run(config, tokens, tokenisers, folder, observer, stop, ranks, *begun)();
  } catch (const std::bad_alloc&) {
    const Vocabulary source(tokens.train, &Pair::source, config.min_frequency),
        target(tokens.train, &Pair::target, config.min_frequency);
    throw std::runtime_error(
        fmt::format("there is not enough memory: {}", memory_advice(config, source.size(), target.size())));
  }
}

}  // namespace qkv
