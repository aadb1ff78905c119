#include "qkv/study/shaded_matrix.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>
#include <string_view>

#include "qkv/autograd/check.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/study/terminal_text.h"

namespace qkv {
namespace {

constexpr int longest_label = 16;
constexpr float least_shaded = 0.05F;  // weights below are drawn as a dot
constexpr std::array<std::string_view, 4> shades{"░", "▒", "▓", "█"};

/// A colour of the 256-colour palette and the colour of letters that can be read on it.
struct Colour {
  int background;
  int letters;
};
// Nine steps from near black over violet and green to yellow, each brighter than the one before, so that the order can
// be seen on dark and on light terminals and by people who do not see all colours (after the map "viridis").
constexpr std::array<Colour, 9> ramp{
    {{234, 231}, {54, 231}, {60, 231}, {30, 231}, {36, 16}, {72, 16}, {77, 16}, {148, 16}, {220, 16}}};

const Colour& colour_of(float weight) {
  const float last = static_cast<float>(ramp.size() - 1);
  return ramp[std::lround(std::clamp(weight, 0.0F, 1.0F) * last)];
}

std::string_view shade_of(float weight) {
  if (weight < least_shaded) return "·";
  return shades[std::min(weight * 4.0F, 3.0F)];
}

/// ".97", "1.0", or nothing for what would be ".00".
std::string digits_of(float weight) {
  const long hundredths = std::lround(weight * 100.0F);
  if (hundredths <= 0) return "";
  return hundredths >= 100 ? "1.0" : fmt::format(".{:02}", hundredths);
}

/// One weight in `width` columns: the last one or two are space if there is room, so that the cells stand apart.
std::string cell(float weight, int width, const ShadedMatrixStyle& style) {
  if (style.colour) {
    const Colour& colour = colour_of(weight);
    const std::string digits = style.digits ? digits_of(weight) : "";
    return fmt::format("\033[48;5;{};38;5;{}m{}\033[0m", colour.background, colour.letters,
                       left_aligned(digits, width));
  }
  const std::string_view shade = shade_of(weight);
  if (style.digits && weight >= least_shaded) return left_aligned(fmt::format("{}{}", shade, digits_of(weight)), width);
  if (style.digits && !digits_of(weight).empty()) return left_aligned(fmt::format(" {}", digits_of(weight)), width);
  if (weight < least_shaded) return left_aligned(fmt::format("{}{}", width > 3 ? " " : "", shade), width);
  std::string block;
  for (int i = 0; i < std::max(width - 1, 2); ++i) block += shade;
  return left_aligned(block, width);
}

/// The widest cell that lets all columns stand side by side, or the narrowest that can be read.
int cell_width(std::size_t columns, int room, const ShadedMatrixStyle& style) {
  const int narrowest = style.digits ? 4 : 2;
  const int widest = style.digits ? 5 : 4;
  return std::clamp(room / std::max(static_cast<int>(columns), 1), narrowest, widest);
}

/// The labels written downwards, each above its column and ending on the last line.
std::string vertical_labels(const std::vector<std::string>& labels, int margin, int width) {
  std::vector<std::vector<std::string>> letters;
  std::size_t height = 0;
  for (const std::string& label : labels) {
    letters.push_back(visible_characters(shortened(visible(label), longest_label)));
    height = std::max(height, letters.back().size());
  }
  std::string result;
  for (std::size_t line = 0; line < height; ++line) {
    std::string text(static_cast<std::size_t>(margin), ' ');
    for (const std::vector<std::string>& label : letters) {
      const std::size_t above = height - label.size();
      const std::string letter = line < above ? "" : label[line - above];
      text += left_aligned((width > 3 && columns(letter) < 2 ? " " : "") + letter, width);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    result += text + "\n";
  }
  return result;
}

void check_weights(std::size_t rows, std::size_t columns, std::span<const float> weights) {
  check(weights.size() == rows * columns, "shaded_matrix: {} weights do not fill {} rows of {} columns", weights.size(),
        rows, columns);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] >= -1e-3F && weights[i] <= 1.001F) continue;
    throw std::invalid_argument(fmt::format("shaded_matrix: the weight in row {}, column {} is {}, not within 0 … 1",
                                            i / columns, i % columns, weights[i]));
  }
}

}  // namespace

std::string shaded_matrix(const std::vector<std::string>& rows, const std::vector<std::string>& columns,
                          std::span<const float> weights, const ShadedMatrixStyle& style) {
  check_weights(rows.size(), columns.size(), weights);
  std::vector<std::string> row_labels;
  int margin = 0;
  for (const std::string& row : rows) {
    row_labels.push_back(shortened(visible(row), longest_label));
    margin = std::max(margin, qkv::columns(row_labels.back()) + 1);
  }
  const int room = style.width - margin;
  const int width = cell_width(columns.size(), room, style);
  check(room >= width, "shaded_matrix: {} columns leave no room beside the row labels, which take {}", style.width,
        margin);
  const std::size_t part = static_cast<std::size_t>(room / width);
  std::string result;
  for (std::size_t begin = 0; begin < columns.size(); begin += part) {
    const std::size_t end = std::min(begin + part, columns.size());
    if (begin > 0) result += "\n";
    result += vertical_labels(
        {columns.begin() + static_cast<std::ptrdiff_t>(begin), columns.begin() + static_cast<std::ptrdiff_t>(end)},
        margin, width);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::string line = right_aligned(row_labels[row], margin - 1) + " ";
      for (std::size_t column = begin; column < end; ++column) {
        line += cell(weights[row * columns.size() + column], width, style);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      result += line + "\n";
    }
  }
  return result;
}

std::string shaded_matrix_legend(bool colour) {
  if (!colour) return "weights: · below .05  ░ below .25  ▒ below .5  ▓ below .75  █ up to 1\n";
  std::string line = "weights: 0 ";
  for (std::size_t i = 0; i < ramp.size(); ++i) {
    line += cell(static_cast<float>(i) / static_cast<float>(ramp.size() - 1), 3, {.colour = true});
  }
  return line + " 1\n";
}

}  // namespace qkv
