#include "qkv/study/explain/explanation_text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>

#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/study/attention_view.h"
#include "qkv/study/terminal_text.h"

namespace qkv {
namespace {

constexpr int number_width = 8, most_label = 14, most_features = 8, most_rows = 16;
constexpr double nearly_sure = 0.01;  // loss per word, which bounds how far its probability is from 1

std::string short_number(double value) { return fmt::format("{:.3g}", value); }

/// A power of ten that makes the largest number readable with three decimals; 1 where it is so already.
double unit_of(const NumberMatrix& matrix) {
  double largest = 0;
  for (const double x : matrix.numbers)
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  if (largest == 0 || (largest >= 0.1 && largest < 100)) return 1;
  return std::pow(10.0, std::floor(std::log10(largest)));
}

std::string cell(double value, double unit) {
  if (!std::isfinite(value)) return right_aligned("–", number_width);  // hidden by a mask
  const double shown = value / unit;
  return right_aligned(fmt::format("{:.3f}", std::abs(shown) < 0.0005 ? 0.0 : shown), number_width);
}

/// Text broken between words so that it fits, every line behind this margin.
std::string broken(const std::string& text, int width, const std::string& margin) {
  std::string lines, line = margin;
  for (const std::string& word : split_words(text)) {
    const bool is_first = line == margin;
    if (!is_first && columns(line) + 1 + columns(word) > width) {
      lines += fmt::format("{}\n", line);
      line = margin + word;
    } else {
      line += fmt::format("{}{}", is_first ? "" : " ", word);
    }
  }
  return fmt::format("{}{}\n", lines, line);
}

/// A labelled matrix in blocks of columns that fit.
class MatrixText {
 public:
  MatrixText(const ExplainedStep& step, int word, int width) : step_(step), width_(width), unit_(unit_of(step.values)) {
    for (const std::string& row : step.rows) label_ = std::max(label_, std::min(columns(visible(row)), most_label));
    if (step.checked) label_ = std::max(label_, columns("  exact"));
    const int rows = step.values.rows, around = std::clamp(word - most_rows / 2, 0, std::max(rows - most_rows, 0));
    first_row_ = rows <= most_rows ? 0 : around;
    last_row_ = std::min(rows, first_row_ + most_rows);
  }

  double unit() const { return unit_; }

  std::string text() const {
    const int fit = std::max(1, (width_ - label_) / number_width);
    if (step_.columns.empty()) {
      const int shown = std::min({fit, most_features, step_.values.columns});
      return block(0, shown) + rest(shown);
    }
    std::string text;
    for (int first = 0; first < step_.values.columns; first += fit)
      text += block(first, std::min(first + fit, step_.values.columns));
    return text + rest(step_.values.columns);
  }

 private:
  std::string label(const std::string& text) const { return left_aligned(shortened(visible(text), label_), label_); }

  std::string block(int first, int last) const {
    std::string text = std::string(static_cast<std::size_t>(label_), ' ');
    for (int j = first; j < last; ++j) {
      const std::string name = step_.columns.empty() ? std::to_string(step_.first_column + j)
                                                     : shortened(visible(step_.columns[j]), number_width - 1);
      text += right_aligned(name, number_width);
    }
    text += "\n";
    for (int i = first_row_; i < last_row_; ++i) {
      text += label(i < static_cast<int>(step_.rows.size()) ? step_.rows[i] : std::to_string(i));
      for (int j = first; j < last; ++j) text += cell(step_.values(i, j), unit_);
      text += "\n";
      if (step_.checked && i == step_.row && i < step_.checked->exact.rows) {
        text += label("  exact");
        for (int j = first; j < std::min(last, step_.checked->exact.columns); ++j)
          text += cell(step_.checked->exact(i, j), unit_);
        text += "\n";
      }
    }
    return text;
  }

  /// What is not shown.
  std::string rest(int shown_columns) const {
    std::string what;
    if (last_row_ - first_row_ < step_.values.rows)
      what = fmt::format("rows {} to {} of {}", first_row_, last_row_ - 1, step_.values.rows);
    if (shown_columns < step_.values.columns)
      what += fmt::format("{}features {} to {} of {}", what.empty() ? "" : ", ", step_.first_column,
                          step_.first_column + shown_columns - 1, all_features());
    return what.empty() ? "" : fmt::format("… {}; all as JSON\n", what);
  }

  std::string all_features() const {
    const int first = step_.first_column, count = step_.values.columns;
    return first == 0 ? std::to_string(count) : fmt::format("{} to {}", first, first + count - 1);
  }

  const ExplainedStep& step_;
  int width_;
  double unit_;
  int label_ = 2, first_row_ = 0, last_row_ = 0;
};

std::string verdict(const CheckedGradient& gradient) {
  return fmt::format("{} the exact derivatives{}: largest difference {:.1e} of Σ|terms|",
                     gradient.agrees ? "agrees with" : "DIFFERS FROM",
                     gradient.is_exact_everywhere() ? ""
                     : gradient.exact.rows == 0     ? " along a random direction"
                                                    : " (of these entries, and along a random direction)",
                     gradient.largest_difference);
}

std::string step_text(const ExplainedStep& step, int word, int width) {
  const MatrixText matrix(step, word, width);
  std::string head = fmt::format("{}: {}", step.name, step.title);
  if (matrix.unit() != 1) head += fmt::format("; in units of {:.0e}", matrix.unit());
  std::string text = fmt::format("\n{}", broken(head, width, ""));
  if (!step.formula.empty()) text += broken(step.formula, width, "  ");
  text += matrix.text();
  if (step.cell) text += in_one_line(*step.cell, width);
  if (step.checked) text += broken(verdict(*step.checked), width, "  ");
  return text;
}

/// Why every gradient is small, if they are: each is made of how far the probabilities of the predicted words are
/// from 1.
std::string why_small(const Explanation& explanation, int width) {
  if (explanation.loss >= nearly_sure) return "";
  return broken(fmt::format("the model is nearly sure of this translation (loss {} per word), so gradients are near 0; "
                            "those of another target translation are larger",
                            short_number(explanation.loss)),
                width, "");
}

std::string learning_text(const ExplainedLearning& learning, const Explanation& explanation, int width) {
  std::string text = "\n";
  text += broken(
      fmt::format("What a step would do: each parameter less {} times its gradient", short_number(learning.rate)),
      width, "");
  text += broken(fmt::format("loss before {:.6g}, predicted to first order {:.6g}, computed again {:.6g}",
                             learning.loss_before, learning.loss_predicted, learning.loss_after),
                 width, "  ");
  if (!explanation.attention) return text;
  const ExplainedAttention& attention = *explanation.attention;
  const int row = explanation.word;
  double difference = 0;
  for (std::size_t e = 0; e < learning.predicted.numbers.size(); ++e)
    difference = std::max(difference, std::abs(learning.predicted.numbers[e] - learning.actual.numbers[e]));
  text += broken(fmt::format("weights of word {}, {}:", row, in_quotes(attention.rows[row])), width, "  ");
  text +=
      fmt::format("{}{:>12}{:>20}{:>16}\n", left_aligned("", most_label), "before", "predicted change", "real change");
  for (int j = 0; j < learning.before.columns; ++j)
    text += fmt::format("{}{:>12.6f}{:>20.3e}{:>16.3e}\n",
                        left_aligned(shortened(visible(attention.columns[j]), most_label), most_label),
                        learning.before(row, j), learning.predicted(row, j), learning.actual(row, j));
  return text + broken(fmt::format("largest difference of all weights: {:.1e}", difference), width, "  ");
}

std::string head_text(const Explanation& explanation, int width) {
  std::string text;
  if (explanation.attention) {
    const ExplainedAttention& a = *explanation.attention;
    text += broken(fmt::format("{} of {}: {}, layer {} of {}, head {} of {}{}; counted from 0", title_of(a.kind),
                               explanation.model, a.name, a.layer, a.layers, a.head, a.heads,
                               a.is_sharpest ? ", the sharpest" : ""),
                   width, "");
  } else {
    text += fmt::format("the fixed context of {}\n", explanation.model);
  }
  text += broken(fmt::format("source:    {}", join_words(explanation.pair.source)), width, "");
  text += broken(fmt::format("predicted: {}", join_words(explanation.pair.predicted)), width, "");
  text += broken(fmt::format("{}; loss {:.6g}",
                             explanation.pair.own_translation ? "the model's own translation" : "the translation given",
                             explanation.loss),
                 width, "");
  if (explanation.of) return text;
  const std::vector<std::string>& words =
      explanation.attention ? explanation.attention->rows : explanation.pair.predicted;
  return text +
         broken(fmt::format("spelt out: word {}, {}", explanation.word, in_quotes(words[explanation.word])), width, "");
}

}  // namespace

std::string in_one_line(const Formula& formula, int width) {
  std::vector<std::string> parts;
  const bool is_softmax = formula.operation == Combined::softmax;
  std::vector<Term> terms = formula.terms;  // those that matter first
  std::ranges::stable_sort(terms, std::greater(), [](const Term& term) { return std::abs(term.value); });
  for (const Term& term : terms) {
    std::string part;
    for (const Factor& factor : term.factors)
      part += fmt::format("{}{}", part.empty() ? "" : " · ", short_number(factor.value));
    parts.push_back(is_softmax ? fmt::format("exp({})", part) : part);
  }
  const std::string begin = formula.address + " = ";
  std::string end = fmt::format(" = {:.6g}", formula.value);
  if (formula.exact) end += fmt::format("; exact {:.6g}", *formula.exact);
  if (parts.empty() || formula.operation == Combined::other) {
    const std::string text = formula.terms.empty() ? "" : formula.expression;
    return broken(begin + text + (text.empty() ? end.substr(3) : end), width, "  ");
  }
  const std::string fraction = is_softmax ? " / (" : "";
  std::string own;  // of a softmax: the term that it is
  if (is_softmax)
    for (std::size_t k = 0; k < parts.size() && own.empty(); ++k)
      if (std::abs(terms[k].value - formula.value) <= 1e-12 * formula.value) own = parts[k];
  std::string middle;
  std::size_t shown = 0;
  const int room = width - 2 - columns(begin) - columns(end) - columns(own) - columns(fraction) - 12;
  for (; shown < parts.size(); ++shown) {
    const std::string next = fmt::format("{}{}", shown > 0 ? " + " : "", parts[shown]);
    if (shown > 0 && columns(middle) + columns(next) > room) break;
    middle += next;
  }
  if (shown < parts.size()) middle += fmt::format(" + … {} more", parts.size() - shown);
  return broken(begin + own + fraction + middle + (is_softmax ? ")" : "") + end, width, "  ");
}

std::string as_text(const Explanation& explanation, int width) {
  std::string text = head_text(explanation, width);
  if (explanation.of) {
    text += fmt::format("\n{}", as_text(*explanation.of, width));
    return explanation.of->exact ? text + why_small(explanation, width) : text;
  }
  for (const ExplainedStep& step : explanation.forward) text += step_text(step, step.row, width);
  if (!explanation.backward.empty())
    text += fmt::format("\nBackwards{}: d NAME is ∂loss/∂NAME\n",
                        explanation.learning ? "" : ", all of it with --backward") +
            why_small(explanation, width);
  for (const ExplainedStep& step : explanation.backward) text += step_text(step, step.row, width);
  if (explanation.learning) text += learning_text(*explanation.learning, explanation, width);
  return text;
}

}  // namespace qkv
