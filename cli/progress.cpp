#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/progress_bar.h"
#include "cli/terminal.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/message.h"
#include "qkv/translation/training_steps.h"

namespace qkv::cli {
namespace {

/// As many of the words as fit into so many columns.
std::string shortened(Sentence words, int width) {
  if (columns(join_words(words)) <= width) return join_words(words);
  while (!words.empty() && columns(join_words(words)) > width - 2) words.pop_back();
  return join_words(words) + " …";
}

}  // namespace

TrainingObserver Progress::observer() {
  TrainingObserver observer;
  observer.on_start = [this](const TrainingObserver::Start& s) { start(s); };
  observer.on_step = [this](const TrainingObserver::Step& s) { step(s); };
  observer.on_validation = [this](const TrainingObserver::Validation& v) {
    line(fmt::format("step {:>6}  epoch {}/{}  valid loss {:.{}f}  BLEU {:>5.1f}  exact {:>5.1f} %{}", v.step,
                     v.epoch + 1, v.epochs, v.evaluation.loss, v.evaluation.loss < 10 ? 4 : 2, v.evaluation.scores.bleu,
                     100 * v.evaluation.scores.exact_match, v.is_best ? "  best" : ""));
    const int room = std::max(terminal_width(STDERR_FILENO) - 15, 20);
    line("  source       " + shortened(v.sample.source, room));
    line("  reference    " + shortened(v.sample.target, room));
    line("  translation  " + shortened(v.translation, room));
  };
  observer.on_message = [this](const std::string& message) { line("note: " + with_options(message)); };
  return observer;
}

void Progress::start(const TrainingObserver::Start& s) {
  line(fmt::format("{}: {} parameters, {} source and {} target {}s", name_of(s.config.model), s.parameters,
                   s.source_vocabulary, s.target_vocabulary, name_of_token(s.config.tokenizer)));
  const std::string workers = counted(static_cast<std::size_t>(s.config.workers), "worker");
  line(fmt::format("{} in batches of {}, {} ({}), warm-up {}, {}", counted(s.pairs, "pair"),
                   described_batches(s.config), counted(static_cast<std::size_t>(s.steps), "step"),
                   counted(static_cast<std::size_t>(s.epochs), "epoch"), s.config.warmup,
                   s.processes == 1 ? workers : fmt::format("{} processes with {} each", s.processes, workers)));
  if (s.step > 0) line(fmt::format("going on after step {}", s.step));
}

void Progress::step(const TrainingObserver::Step& s) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || (now - last_drawn_ < std::chrono::milliseconds(100) && s.step != s.steps)) return;
  last_drawn_ = now;
  const std::string text =
      fmt::format(" epoch {}/{}  step {}/{}  loss {:.4f}  {:.0f} tokens/s  {} left", s.epoch + 1, s.epochs, s.step,
                  s.steps, s.loss, s.tokens_per_second, minutes_and_seconds(s.seconds_left));
  tell_drawn(bar_with(s.step, s.steps, text));
  bar_is_shown_ = true;
}

void Progress::line(const std::string& text) {
  if (bar_is_shown_) tell_drawn(no_bar);
  tell(visible(text) + "\n");
  bar_is_shown_ = false;
}

Progress::~Progress() {
  if (bar_is_shown_) tell("\n");
}

}  // namespace qkv::cli
