#include "qkv/study/graph/node_numbers.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "qkv/datasets/text.h"
#include "qkv/study/terminal_text.h"
#include "qkv/translation/available_memory.h"

namespace qkv {
namespace {

constexpr std::size_t most_rows = 16;
constexpr int longest_label = 10;

std::vector<std::string> rows_of(const std::vector<double>& numbers, const PicturedMatrix& matrix) {
  const auto columns = static_cast<std::size_t>(std::max(matrix.columns, 1));
  const std::size_t rows = numbers.size() / columns;
  if (matrix.columns > matrix.widest || rows > most_rows) return {};
  std::vector<std::string> texts;
  for (const double number : numbers) texts.push_back(fmt::format("{:.2g}", number));
  std::vector<std::size_t> widths(columns);
  for (std::size_t i = 0; i < texts.size(); ++i) widths[i % columns] = std::max(widths[i % columns], texts[i].size());
  int width = 0;
  for (const std::string& label : matrix.labels) width = std::max(width, qkv::columns(shortened(label, longest_label)));
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < rows; ++row) {
    std::string line = matrix.labels.empty() ? "" : left_aligned(shortened(matrix.labels[row], longest_label), width);
    for (std::size_t column = 0; column < columns; ++column)
      line += fmt::format(" {:>{}}", texts[row * columns + column], widths[column]);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::vector<std::vector<double>> tangents_of(const SentencePass& pass, std::uint64_t seed) {
  const auto numbers = static_cast<double>(pass.parameters().count());
  const double needed = numbers * sizeof(DualDouble);
  if (needed > available_bytes())
    throw std::runtime_error(fmt::format(
        "tangents of a model of {:.0f} parameters take about {:.1f} GB, which is more than there is; leave the "
        "tangents out, or look at a smaller model of the same kind",
        numbers, needed / 1e9));
  InScalar<DualDouble> model(pass.trained());
  model.copy_values(pass.trained());
  Random random(seed);
  for (std::size_t i = 0; i < model.parameters().entries().size(); ++i)
    for (DualDouble& value : model.parameters().values(i)) value.d[0] = random.normal();

  Tape<DualDouble> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  loss_of(model.layer(), pass.pair());
  std::vector<std::vector<double>> tangents;
  for (const Node<DualDouble>* node = tape.last_node(); node != nullptr; node = node->previous) {
    std::vector<double>& tangent = tangents.emplace_back();
    for (std::int64_t j = 0; j < node->shape.size(); ++j) tangent.push_back(node->value[j].d[0]);
  }
  std::reverse(tangents.begin(), tangents.end());
  check(tangents.size() == pass.nodes().size(), "tangents: {} values on dual numbers, {} in double", tangents.size(),
        pass.nodes().size());
  return tangents;
}

std::vector<GraphNumbers> numbers_of(const PicturedMatrix& matrix, const GraphOptions& options) {
  std::vector<GraphNumbers> all;
  const auto add = [&](bool wanted, const char* name, const std::vector<double>& numbers) {
    if (!wanted || numbers.empty()) return;
    double squares = 0;
    for (const double x : numbers) squares += x * x;
    all.push_back({name, std::sqrt(squares), rows_of(numbers, matrix)});
  };
  add(options.values, "value", matrix.value);
  add(options.gradients, "gradient", matrix.gradient);
  add(options.tangents, "tangent", matrix.tangent);
  return all;
}

}  // namespace qkv
