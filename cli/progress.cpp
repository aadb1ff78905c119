#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/message.h"

namespace qkv::cli {

namespace {

std::string bar(std::int64_t done, std::int64_t all, std::int64_t width) {
  const std::int64_t filled = all > 0 ? width * done / all : width;
  std::string text;
  for (std::int64_t i = 0; i < width; ++i) text += i < filled ? "█" : "░";
  return text;
}

std::string minutes_and_seconds(double seconds) {
  const int whole = static_cast<int>(seconds + 0.5);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

/// The words, or as many of the first as a line has room for.
std::string shortened(const Sentence& words) { return excerpt(join_words(words), 120); }

}  // namespace

TrainingObserver Progress::observer() {
  TrainingObserver observer;
  observer.on_step = [this](const TrainingObserver::Step& s) { step(s); };
  observer.on_validation = [this](const TrainingObserver::Validation& v) {
    line(fmt::format("step {:>6}  epoch {}/{}  validation: loss {:.4f}  BLEU {:>5.1f}  exact match {:>5.1f} %{}",
                     v.step, v.epoch + 1, v.epochs, v.evaluation.loss, v.evaluation.scores.bleu,
                     100 * v.evaluation.scores.exact_match, v.is_best ? "  best so far" : ""));
    line("  source       " + shortened(v.sample.source));
    line("  reference    " + shortened(v.sample.target));
    line("  translation  " + shortened(v.evaluation.translations.front()));
  };
  observer.on_message = [this](const std::string& message) { line("note: " + with_options(message)); };
  return observer;
}

void Progress::step(const TrainingObserver::Step& s) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || (now - last_drawn_ < std::chrono::milliseconds(100) && s.step != s.steps)) return;
  last_drawn_ = now;
  const std::string text =
      fmt::format(" epoch {}/{}  step {}/{}  loss {:.4f}  {:.0f} tokens/s  {} left", s.epoch + 1, s.epochs, s.step,
                  s.steps, s.loss, s.tokens_per_second, minutes_and_seconds(s.seconds_left));
  const std::int64_t room =
      terminal_width(STDERR_FILENO) - static_cast<std::int64_t>(text.size()) - 1;  // a full line would wrap
  tell_drawn(fmt::format("\r{}{}\033[K", bar(s.step, s.steps, std::clamp<std::int64_t>(room, 0, 24)), text));
  bar_is_shown_ = true;
}

void Progress::line(const std::string& text) {
  if (bar_is_shown_) tell_drawn("\r\033[K");
  tell(visible(text) + "\n");
  bar_is_shown_ = false;
}

Progress::~Progress() {
  if (bar_is_shown_) tell("\n");
}

}  // namespace qkv::cli
