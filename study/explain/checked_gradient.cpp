#include "qkv/study/explain/checked_gradient.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qkv {

void CheckedGradient::compare(double got, double other, double with_scale) {
  const double difference = std::abs(got - other);
  const double relative = difference == 0 ? 0 : difference / std::max(with_scale, std::numeric_limits<double>::min());
  if (!(relative <= largest_difference)) largest_difference = relative;
  agrees = agrees && relative <= tolerance;
}

double gradient_at(const SentencePass& pass, TapePlace at) {
  const Node<double>* node = pass.nodes()[at.node];
  return node->gradient == nullptr ? 0 : node->gradient[at.element];
}

CheckedGradient gradient_on_tape(ExactDerivatives& exact, int rows, int columns,
                                 const std::function<TapePlace(int, int)>& at) {
  CheckedGradient gradient;
  gradient.values = NumberMatrix(rows, columns, [&](int i, int j) { return gradient_at(exact.pass(), at(i, j)); });
  gradient.scale = gradient.exact = NumberMatrix(rows, columns);
  std::vector<ExactDerivatives::Direction> directions;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) directions.push_back({{at(i, j).node, at(i, j).element}});
  const std::vector<ExactDerivative> derivatives = exact.of_loss(directions);
  for (std::size_t e = 0; e < derivatives.size(); ++e) {
    gradient.exact.numbers[e] = derivatives[e].value;
    gradient.scale.numbers[e] = derivatives[e].scale + std::abs(gradient.values.numbers[e]);
    gradient.compare(gradient.values.numbers[e], derivatives[e].value, gradient.scale.numbers[e]);
  }
  return gradient;
}

}  // namespace qkv
