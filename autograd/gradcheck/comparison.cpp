#include "qkv/autograd/gradcheck/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qkv::gradcheck_detail {

std::vector<int> index_of(std::size_t element, const Shape& shape) {
  std::vector<int> index(shape.rank());
  auto rest = static_cast<std::int64_t>(element);
  for (int i = shape.rank() - 1; i >= 0; --i) {
    index[i] = static_cast<int>(rest % shape.dim(i));
    rest /= shape.dim(i);
  }
  return index;
}

double difference_of(double a, double b) {
  const double difference = std::abs(a - b);
  return std::isfinite(difference) ? difference : std::numeric_limits<double>::infinity();
}

double relative(double difference, double scale) {
  if (difference == 0) return 0;
  return scale > 0 ? difference / scale : std::numeric_limits<double>::infinity();
}

double dot(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b, double& magnitude) {
  double sum = 0, absolute = 0;
  for (std::size_t k = 0; k < a.size(); ++k)
    for (std::size_t i = 0; i < a[k].size(); ++i) {
      sum += a[k][i] * b[k][i];
      absolute += std::abs(a[k][i] * b[k][i]);
    }
  if (std::isfinite(absolute)) magnitude += absolute;
  return sum;
}

void explain_partial_write(std::vector<Worst>& worst, const std::string& partial_write) {
  for (Worst& entry : worst)
    if (!partial_write.empty() && !std::isfinite(entry.mismatch.got)) entry.mismatch.diagnosis = partial_write;
}

void conclude(GradcheckResult& result, std::vector<Worst>& worst, double scale, double tolerance) {
  std::stable_sort(worst.begin(), worst.end(),
                   [](const Worst& a, const Worst& b) { return a.difference > b.difference; });
  for (Worst& entry : worst) {
    result.error = std::max(result.error, relative(entry.difference, scale));
    if (entry.difference <= tolerance * scale) continue;
    result.passed = false;
    result.mismatches.push_back(std::move(entry.mismatch));
  }
}

}  // namespace qkv::gradcheck_detail
