#include "qkv/study/explain/head_gradients.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "qkv/autograd/random.h"
#include "qkv/study/explain/head_directions.h"

namespace qkv {
namespace {

using Direction = ExactDerivatives::Direction;

constexpr double hidden = std::numeric_limits<double>::quiet_NaN();  // an entry that a mask hides

/// A matrix of sums, and of the sums of their terms' absolute values.
struct Sums {
  NumberMatrix values, scale;

  /// term(i, j, add) calls add(term, size of it) for each term of entry i, j.
  template <class Terms>
  Sums(int rows, int columns, Terms terms) : values(rows, columns), scale(rows, columns) {
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j)
        terms(i, j, [&](double term, double size) {
          values(i, j) += term;
          scale(i, j) += size;
        });
  }
};

/// A direction for each entry of a matrix that lies on the tape.
template <class At>
std::vector<Direction> of_places(int rows, int columns, At at) {
  std::vector<Direction> directions;
  for (int i = 0; i < rows; ++i)
    for (int c = 0; c < columns; ++c) directions.push_back({{at(i, c).node, at(i, c).element, 1}});
  return directions;
}

class Backward {
 public:
  Backward(const AttentionHeadMatrices& head, ExactDerivatives& exact, const HeadGradientOptions& options)
      : h_(head), directions_(head), exact_(exact), options_(options) {}

  HeadGradients run();

 private:
  int rows() const { return h_.weights.rows; }
  int columns() const { return h_.weights.columns; }
  double by_tape(TapePlace at) const { return gradient_at(exact_.pass(), at); }

  using TapeGradient = std::function<double(int, int)>;
  CheckedGradient compared(const Sums& sums, const std::vector<Direction>& directions,
                           const TapeGradient& tape = {}) const {
    return compared(sums, directions, tape, sums.values.rows, sums.values.columns);
  }
  CheckedGradient compared(const Sums& sums, const std::vector<Direction>& directions, const TapeGradient& tape,
                           int most_rows, int most_columns) const;
  CheckedGradient hidden_by_mask(CheckedGradient gradient) const;

  CheckedGradient compared_with_parameter(const Sums& sums, const Node<double>* parameter, int first_row,
                                          int first_column) const;
  HeadGradients::Projection projection(const std::string& name, const Node<double>* layer,
                                       const CheckedGradient& gradient, const NumberMatrix& input, int first_row,
                                       int first_column = 0) const;
  CheckedGradient coming_in(int width, const std::function<TapePlace(int, int)>& at) const;
  CheckedGradient through_projection(const CheckedGradient& gradient, const Node<double>* weight,
                                     const std::function<TapePlace(int, int)>& at) const;

  int allowed(int row) const { return directions_.allowed(row); }

  const AttentionHeadMatrices& h_;
  HeadDirections directions_;
  ExactDerivatives& exact_;
  const HeadGradientOptions& options_;
};

/// Compares so many rows and columns, entry by entry, with the derivatives along their directions; where there are
/// more, the whole along a random sum of all directions.
CheckedGradient Backward::compared(const Sums& sums, const std::vector<Direction>& directions, const TapeGradient& tape,
                                   int most_rows, int most_columns) const {
  const NumberMatrix& values = sums.values;
  const int rows = options_.each_entry ? std::min(values.rows, most_rows) : 0,
            columns = options_.each_entry ? std::min(values.columns, most_columns) : 0;
  std::vector<Direction> some;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) some.push_back(directions[i * values.columns + j]);
  const bool is_all = some.size() == directions.size();
  double along = 0, size = 0;
  if (!is_all) {
    Random random(1);
    Direction& whole = some.emplace_back();
    for (std::size_t e = 0; e < directions.size(); ++e) {
      const double by = random.normal();
      for (const ExactDerivatives::Move& move : directions[e]) whole.push_back({move.node, move.element, by * move.by});
      along += by * values.numbers[e];
      size += std::abs(by) * sums.scale.numbers[e];
    }
  }
  const std::vector<ExactDerivative> derivatives = exact_.of_loss(some);
  CheckedGradient gradient{values, sums.scale, NumberMatrix(rows, columns)};
  for (int i = 0; i < values.rows; ++i)
    for (int j = 0; j < values.columns; ++j) {
      const bool has_own = i < rows && j < columns;  // else how exact it is is known of all together
      const ExactDerivative& derivative = has_own ? derivatives[i * columns + j] : derivatives.back();
      double& scale = gradient.scale(i, j);
      scale += derivative.scale;
      if (has_own) {
        gradient.exact(i, j) = derivative.value;
        gradient.compare(values(i, j), derivative.value, scale);
      }
      if (tape) gradient.compare(values(i, j), tape(i, j), scale);
    }
  if (!is_all) gradient.compare(along, derivatives.back().value, size + derivatives.back().scale);
  return gradient;
}

CheckedGradient Backward::hidden_by_mask(CheckedGradient gradient) const {
  for (int i = 0; i < rows(); ++i)
    for (int j = allowed(i); j < columns(); ++j) {
      gradient.values(i, j) = hidden;
      if (i < gradient.exact.rows && j < gradient.exact.columns) gradient.exact(i, j) = hidden;
    }
  return gradient;
}

/// A gradient as the tape has it.
CheckedGradient Backward::coming_in(int width, const std::function<TapePlace(int, int)>& at) const {
  const Sums sums(rows(), width, [&](int i, int c, auto add) {
    const double d = by_tape(at(i, c));
    add(d, std::abs(d));
  });
  return compared(sums, of_places(rows(), width, at));
}

CheckedGradient Backward::compared_with_parameter(const Sums& sums, const Node<double>* parameter, int first_row,
                                                  int first_column) const {
  const bool is_bias = parameter->shape.rank() == 1;
  const auto place = [&](int i, int j) -> TapePlace {
    if (is_bias) return {parameter->index, first_row + j};
    return {parameter->index, std::int64_t{first_row + i} * parameter->shape.last() + first_column + j};
  };
  return compared(
      sums, of_places(sums.values.rows, sums.values.columns, place), [&](int i, int j) { return by_tape(place(i, j)); },
      most_exact_rows, most_exact_columns);
}

HeadGradients::Projection Backward::projection(const std::string& name, const Node<double>* layer,
                                               const CheckedGradient& gradient, const NumberMatrix& input,
                                               int first_row, int first_column) const {
  const NumberMatrix &d = gradient.values, &size = gradient.scale;
  const Sums weight(d.columns, input.columns, [&](int r, int c, auto add) {
    for (int i = 0; i < d.rows; ++i) add(d(i, r) * input(i, c), size(i, r) * std::abs(input(i, c)));
  });
  HeadGradients::Projection result{
      name, compared_with_parameter(weight, layer->parents[1], first_row, first_column), {}};
  if (layer->parent_count < 3) return result;
  const Sums bias(1, d.columns, [&](int, int r, auto add) {
    for (int i = 0; i < d.rows; ++i) add(d(i, r), size(i, r));
  });
  result.bias = compared_with_parameter(bias, layer->parents[2], first_row, 0);
  return result;
}

/// The gradient of what was projected, through the projection; `at`: where the projected value lies.
CheckedGradient Backward::through_projection(const CheckedGradient& gradient, const Node<double>* weight,
                                             const std::function<TapePlace(int, int)>& at) const {
  const NumberMatrix &d = gradient.values, &size = gradient.scale;
  const int in = weight->shape.last();
  const auto w = [&](int r, int c) { return weight->value[std::int64_t{r} * in + c]; };
  const Sums sums(d.rows, in, [&](int i, int c, auto add) {
    for (int r = 0; r < d.columns; ++r) add(d(i, r) * w(r, c), size(i, r) * std::abs(w(r, c)));
  });
  std::vector<Direction> directions;
  for (int i = 0; i < d.rows; ++i)
    for (int c = 0; c < in; ++c) {
      Direction& direction = directions.emplace_back();
      for (int r = 0; r < d.columns; ++r) direction.push_back({at(i, r).node, at(i, r).element, w(r, c)});
    }
  return compared(sums, directions);
}

HeadGradients Backward::run() {
  const NumberMatrix &q = h_.queries, &k = h_.keys, &v = h_.values, &w = h_.weights;
  HeadGradients g;
  const auto output_at = [&](int i, int c) { return h_.output_at(i, c); };
  const auto query_at = [&](int i, int c) { return h_.query_at(i, c); };
  const auto key_at = [&](int j, int c) { return h_.key_at(j, c); };
  const auto value_at = [&](int j, int c) { return h_.value_at(j, c); };
  const auto tape = [&](auto at) { return [this, at](int i, int c) { return by_tape(at(i, c)); }; };

  // dO, as the tape has it
  g.output = coming_in(v.columns, output_at);
  const NumberMatrix &dy = g.output.values, &dy_size = g.output.scale;

  // dV = Wᵀ dO
  const Sums values(columns(), v.columns, [&](int j, int c, auto add) {
    for (int i = 0; i < rows(); ++i) add(w(i, j) * dy(i, c), w(i, j) * dy_size(i, c));
  });
  if (h_.values_are_projected) {
    g.values = compared(values, of_places(columns(), v.columns, value_at), tape(value_at));
  } else {
    std::vector<Direction> directions;
    for (int j = 0; j < columns(); ++j)
      for (int c = 0; c < v.columns; ++c) {
        Direction& direction = directions.emplace_back();
        for (int i = 0; i < rows(); ++i)
          direction.push_back({h_.output_at(i, c).node, h_.output_at(i, c).element, w(i, j)});
      }
    g.values = compared(values, directions);
  }

  // dW = dO Vᵀ
  const Sums weights(rows(), columns(), [&](int i, int j, auto add) {
    for (int c = 0; c < v.columns && j < allowed(i); ++c) add(dy(i, c) * v(j, c), dy_size(i, c) * std::abs(v(j, c)));
  });
  std::vector<Direction> of_weights, of_sigma;
  for (int i = 0; i < rows(); ++i) {
    for (int j = 0; j < columns(); ++j) {
      Direction& direction = of_weights.emplace_back();
      if (j < allowed(i)) directions_.move_output(direction, i, [&](int c) { return v(j, c); });
    }
    // Along all weights of a row in proportion.
    directions_.move_output(of_sigma.emplace_back(), i, [&](int c) { return h_.output(i, c); });
  }
  g.weights = compared(weights, of_weights);
  const NumberMatrix &dw = g.weights.values, &dw_size = g.weights.scale;

  // σᵢ = Σⱼ W dW
  const Sums sigma(rows(), 1, [&](int i, int, auto add) {
    for (int j = 0; j < allowed(i); ++j) add(w(i, j) * dw(i, j), w(i, j) * dw_size(i, j));
  });
  g.sigma = compared(sigma, of_sigma);

  // dscaled = W (dW − σ)
  const Sums scaled(rows(), columns(), [&](int i, int j, auto add) {
    if (j >= allowed(i)) return;
    add(w(i, j) * (dw(i, j) - g.sigma.values(i, 0)), w(i, j) * (dw_size(i, j) + g.sigma.scale(i, 0)));
  });
  g.scaled = compared(scaled, directions_.of_scores(false));

  // dS = scale · dscaled
  const auto score_at = [&](int i, int j) -> TapePlace {
    const bool is_one = h_.records.size() == 1;
    const Node<double>* node = h_.records[is_one ? 0 : static_cast<std::size_t>(i)]->scores.node();
    return {node->index, std::int64_t{is_one ? i : 0} * columns() + j};
  };
  const Sums scores(rows(), columns(), [&](int i, int j, auto add) {
    add(h_.scale * g.scaled.values(i, j), h_.scale * g.scaled.scale(i, j));
  });
  g.scores = h_.is_additive ? compared(scores, directions_.of_scores(true), tape(score_at))
                            : compared(scores, directions_.of_scores(true));
  const NumberMatrix &ds = g.scores.values, &ds_size = g.scores.scale;

  // dQ = dS K and dK = dSᵀ Q; through the tanh where the score is additive
  const auto slope = [&](int i, int j, int c) {
    const double a = std::tanh(q(i, c) + k(j, c));
    return h_.energy(0, c) * (1 - a * a);
  };
  const auto to_query = [&](int i, int j, int c) { return h_.is_additive ? slope(i, j, c) : k(j, c); };
  const auto to_key = [&](int i, int j, int c) { return h_.is_additive ? slope(i, j, c) : q(i, c); };
  const Sums queries(rows(), q.columns, [&](int i, int c, auto add) {
    for (int j = 0; j < allowed(i); ++j) add(ds(i, j) * to_query(i, j, c), ds_size(i, j) * std::abs(to_query(i, j, c)));
  });
  const Sums keys(columns(), k.columns, [&](int j, int c, auto add) {
    for (int i = 0; i < rows(); ++i)
      if (j < allowed(i)) add(ds(i, j) * to_key(i, j, c), ds_size(i, j) * std::abs(to_key(i, j, c)));
  });
  g.queries = h_.projects ? compared(queries, of_places(rows(), q.columns, query_at), tape(query_at))
                          : compared(queries, directions_.of_unprojected_queries());
  g.keys = h_.projects ? compared(keys, of_places(columns(), k.columns, key_at), tape(key_at))
                       : compared(keys, directions_.of_unprojected_keys());
  if (h_.is_additive) {
    const Sums energy(1, q.columns, [&](int, int c, auto add) {
      for (int i = 0; i < rows(); ++i)
        for (int j = 0; j < columns(); ++j) {
          const double a = std::tanh(q(i, c) + k(j, c));
          add(ds(i, j) * a, ds_size(i, j) * std::abs(a));
        }
    });
    const std::int32_t leaf = h_.records.front()->scores.node()->parents[2]->index;
    const auto energy_at = [leaf](int, int c) -> TapePlace { return {leaf, c}; };
    g.energy = compared(energy, of_places(1, q.columns, energy_at), tape(energy_at));
  }
  if (!h_.values_are_projected && h_.projects) {
    g.x_as_queries = through_projection(g.queries, h_.weight_of(h_.records.front()->queries), query_at);
    g.memory_as_keys = through_projection(g.keys, h_.weight_of(h_.records.front()->keys), key_at);
  }
  if (options_.projections && h_.projects) {
    const AttentionRecord<double>& first = *h_.records.front();
    g.projections.push_back(projection("query", first.queries.node(), g.queries, h_.x, h_.first_feature()));
    g.projections.push_back(projection("key", first.keys.node(), g.keys, h_.memory, h_.first_feature()));
    if (h_.values_are_projected)
      g.projections.push_back(projection("value", first.values.node(), g.values, h_.memory, h_.head * v.columns));
  }
  if (options_.projections && h_.projected != nullptr) {
    const int width = h_.projected->shape.last();
    g.projected = coming_in(width, [&](int i, int r) -> TapePlace {
      return {h_.projected->index, std::int64_t{i} * width + r};
    });
    g.projections.push_back(
        projection("output", h_.projected, *g.projected, h_.output, 0, h_.head * h_.output.columns));
  }
  if (h_.kind == AttentionKind::causal)
    for (CheckedGradient* masked : {&g.weights, &g.scaled, &g.scores}) *masked = hidden_by_mask(std::move(*masked));
  return g;
}

}  // namespace

HeadGradients head_gradients(const AttentionHeadMatrices& head, ExactDerivatives& exact,
                             const HeadGradientOptions& options) {
  return Backward(head, exact, options).run();
}

}  // namespace qkv
