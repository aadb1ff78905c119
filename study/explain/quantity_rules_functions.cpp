#include <array>
#include <cmath>
#include <numbers>
#include <string_view>

#include "qkv/study/explain/quantity_rules_detail.h"

namespace qkv::quantity_rules {
namespace {

/// y = γ · normal + β, with normal = (x − mean) / deviation; of add_layer_norm, x is a sum itself.
void layer_norm(const Operation& op, bool of_sum) {
  constexpr double eps = 1e-5;  // the layers' own
  const int width = op.shape().last(), first = of_sum ? 2 : 1;
  int x = op.input(0);
  if (of_sum)
    x = op.sum_part("sum", op.all[op.self()].sizes, {op.input(0), op.input(1)},
                    [a = op.input(0), b = op.input(1)](std::int64_t k, const Rule::Visit& visit) {
                      visit(std::array{Piece::of(a, k)});
                      visit(std::array{Piece::of(b, k)});
                    });
  const int normal = op.all.add_part(op.self(), "normal", op.all[op.self()].sizes,
                                     std::make_unique<Normalise>(op.all, op.all.count(), x, width, eps));
  op.is_sum({normal, op.input(first), op.input(first + 1)},
            [=, weight = op.input(first), bias = op.input(first + 1)](std::int64_t k, const Rule::Visit& visit) {
              visit(std::array{Piece::of(weight, k % width), Piece::of(normal, k)});
              visit(std::array{Piece::of(bias, k % width)});
            });
}

/// loss = Σ over the words of 1/n · (−log of the probability of the right word)
void cross_entropy(const Operation& op) {
  const int classes = op.shape_of(0).last(), rows = op.shape_of(0).rows(), logits = op.input(0);
  const int probabilities = op.all.count();  // only to look at: the loss is computed from the logits
  constexpr int no_sigma = -1;
  op.all.add_part(
      op.self(), "probabilities", {rows, classes},
      std::make_unique<SoftmaxRule>(op.all, probabilities, logits, no_sigma, classes, [=](int) { return classes; }));
  const int of_words =
      op.all.add_part(op.self(), "loss_of_word", {rows},
                      std::make_unique<LossOfWord>(op.all.count(), logits, probabilities, classes, op.facts.targets));
  op.is_sum({of_words}, [=](std::int64_t, const Rule::Visit& visit) {
    for (int i = 0; i < rows; ++i) visit(std::array{Piece::plain(1.0 / rows, "1/words"), Piece::of(of_words, i)});
  });
}

}  // namespace

bool functions(const Operation& op) {
  const std::string_view name = op.node->name;
  const auto is = [&](Elementwise::Function f, const char* expression, const char* slope) {
    op.is(op.input(0), f, expression, slope);
    return true;
  };
  if (name == "tanh") return is(tanh_of, "tanh({})", slope_of_tanh);
  if (name == "sigmoid") return is(sigmoid_of, "σ({})", slope_of_sigmoid);
  if (name == "relu") return is(relu_of, "max(0, {})", "1 where it is above 0");
  if (name == "exp") return is([](const Moving& x) { return exp(x); }, "exp({})", "exp");
  if (name == "log") return is([](const Moving& x) { return log(x); }, "log({})", "1/x");
  if (name != "gelu") return false;
  const auto gelu = [](const Moving& x) {
    return Moving(0.5) * x * (Moving(1) + erf(x * Moving(std::numbers::sqrt2 / 2)));
  };
  return is(gelu, "x Φ(x) of x = {}", "Φ(x) + x φ(x)");
}

bool norms_and_losses(const Operation& op) {
  const std::string_view name = op.node->name;
  if (name == "layer_norm") return layer_norm(op, false), true;
  if (name == "add_layer_norm") return layer_norm(op, true), true;
  const bool is_plain_loss =
      name == "cross_entropy" && std::ssize(op.facts.targets) == op.shape_of(0).rows() && op.shape_of(0).size() > 0;
  return is_plain_loss && (cross_entropy(op), true);
}

}  // namespace qkv::quantity_rules
