#include "qkv/autograd/gradcheck/diagnosis.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace qkv {
namespace {

/// Rounding is far below this, a fault far above.
constexpr double tolerance = 1e-9;

double largest(std::span<const double> x) {
  double result = 0;
  for (double value : x) result = std::max(result, std::abs(value));
  return result;
}

/// A gradient that is wrong, compared with the right one.
class Comparison {
 public:
  Comparison(std::span<const double> got, std::span<const double> expected, const Shape& shape)
      : got_(got), expected_(expected), shape_(shape), scale_(std::max(largest(expected), largest(got))) {}

  bool is_never_written() const { return largest(got_) == 0; }

  /// Whether got = c · expected in every entry; gives c.
  bool is_multiple(double& c) const {
    double product = 0, square = 0;
    for (std::size_t i = 0; i < got_.size(); ++i) {
      product += got_[i] * expected_[i];
      square += expected_[i] * expected_[i];
    }
    if (square == 0) return false;
    c = product / square;
    return all([&, this](std::size_t i) { return std::abs(got_[i] - c * expected_[i]) <= tolerance * scale_; });
  }

  /// Whether the numbers of the last two dimensions are those of the expected gradient read in the other order.
  bool is_transposed() const {
    if (shape_.rank() < 2) return false;
    const auto m = static_cast<std::size_t>(shape_.dim(-2)), n = static_cast<std::size_t>(shape_.dim(-1));
    return m > 1 && n > 1 && (is_expected_read_by_columns(m, n) || is_expected_read_by_columns(n, m));
  }

  /// Whether every row of the right gradient sums to 0, while rows of this one do not.
  bool lacks_sum_term() const {
    const auto width = static_cast<std::size_t>(shape_.last());
    bool differs = false;
    for (std::size_t row = 0; row + width <= got_.size(); row += width) {
      double sum_got = 0, sum_expected = 0;
      for (std::size_t i = row; i < row + width; ++i) {
        sum_got += got_[i];
        sum_expected += expected_[i];
      }
      if (!is_same(sum_expected, 0)) return false;
      differs = differs || !is_same(sum_got, 0);
    }
    return width > 1 && differs;
  }

  /// Whether all wrong entries should be 0, while others should not: a gradient comes through where nothing went.
  bool leaks() const {
    return largest(expected_) > 0 &&
           all([this](std::size_t i) { return is_same(got_[i], expected_[i]) || is_same(expected_[i], 0); });
  }

  /// The rows in which something is wrong.
  std::vector<std::size_t> wrong_rows() const {
    const auto width = static_cast<std::size_t>(shape_.last());
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < got_.size(); ++i)
      if (!is_same(got_[i], expected_[i]) && (rows.empty() || rows.back() != i / width)) rows.push_back(i / width);
    return rows;
  }

  std::size_t wrong_entries() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < got_.size(); ++i) count += is_same(got_[i], expected_[i]) ? 0 : 1;
    return count;
  }

 private:
  /// Whether got is the transpose of every [rows, columns] matrix of expected.
  bool is_expected_read_by_columns(std::size_t rows, std::size_t columns) const {
    return all([=, this](std::size_t i) {
      const std::size_t matrix = i / (rows * columns), column = i / rows % columns, row = i % rows;
      return is_same(got_[i], expected_[(matrix * rows + row) * columns + column]);
    });
  }

  bool is_same(double a, double b) const { return std::abs(a - b) <= tolerance * scale_; }
  bool all(const std::function<bool(std::size_t)>& holds) const {
    for (std::size_t i = 0; i < got_.size(); ++i)
      if (!holds(i)) return false;
    return true;
  }

  std::span<const double> got_, expected_;
  const Shape& shape_;
  double scale_;
};

/// "off by the constant factor 4 = heads"
std::string describe_factor(double c, const NamedSizes& sizes) {
  if (std::abs(c - 1) < 1e-3)
    return fmt::format("off by the constant factor 1 {} {:.2g}", c < 1 ? '-' : '+', std::abs(c - 1));
  const std::string text = fmt::format("off by the constant factor {:.6g}", c);
  std::vector<std::string> origins;  // small sizes are often alike
  for (const auto& [name, size] : sizes) {
    if (size < 2) continue;
    const std::pair<double, std::string> forms[] = {
        {size, name}, {1.0 / size, "1/" + name}, {std::sqrt(size), "√" + name}, {1 / std::sqrt(size), "1/√" + name}};
    for (const auto& [value, form] : forms)
      if (std::abs(c - value) <= 1e-6 * value) origins.push_back(form);
  }
  return origins.empty() ? text : fmt::format("{} = {}", text, fmt::join(origins, " or "));
}

}  // namespace

std::string diagnose(std::span<const double> got, std::span<const double> expected, const Shape& shape,
                     const InputUse& use, const NamedSizes& sizes) {
  for (double value : got)
    if (!std::isfinite(value)) return "holds a value that is not finite";
  const Comparison comparison(got, expected, shape);
  if (comparison.is_never_written()) return "is never written";
  double c = 0;
  if (comparison.is_multiple(c) && std::abs(c - 1) > tolerance)
    return std::abs(c + 1) < tolerance ? "has the wrong sign" : describe_factor(c, sizes);
  if (comparison.is_transposed()) return "looks transposed";
  if (comparison.wrong_entries() == 1 && got.size() > 1) return "only this entry is wrong";
  if (comparison.leaks()) return "every wrong entry should be 0: does a mask leak?";
  if (comparison.lacks_sum_term())
    return "its rows should sum to 0 and do not: the softmax's (or a mean's) Σ term is missing";
  if (use.count > 1 && !use.accumulates)
    return fmt::format("the input is used {} times: the second use is not accumulated, it overwrites the first",
                       use.count);
  const std::vector<std::size_t> rows = comparison.wrong_rows();
  if (shape.rank() >= 2 && rows.size() < static_cast<std::size_t>(shape.rows()))
    return fmt::format("only row{} {} {} wrong{}", rows.size() == 1 ? "" : "s", fmt::join(rows, ", "),
                       rows.size() == 1 ? "is" : "are",
                       use.accumulates ? "" : ": if used more than once, the second use is not accumulated?");
  return "";
}

}  // namespace qkv
