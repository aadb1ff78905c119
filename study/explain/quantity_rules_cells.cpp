#include <array>
#include <string_view>

#include "qkv/study/explain/quantity_rules_detail.h"

namespace qkv::quantity_rules {
namespace {

/// a[row, from + j] + b[row, from + j], the part of a gate in what the input and the last state give to all gates.
int gate_sum(const Operation& op, const std::string& gate, int from) {
  const int width = op.shape().last(), all_gates = op.shape_of(0).last();
  return op.sum_part(gate + "_sum", op.all[op.self()].sizes, {op.input(0), op.input(1)},
                     [=, a = op.input(0), b = op.input(1)](std::int64_t k, const Rule::Visit& visit) {
                       const std::int64_t at = k / width * all_gates + from + k % width;
                       visit(std::array{Piece::of(a, at)});
                       visit(std::array{Piece::of(b, at)});
                     });
}

int sigmoid_gate(const Operation& op, const std::string& gate, int from) {
  return op.part(gate, gate_sum(op, gate, from), sigmoid_of, "σ({})", slope_of_sigmoid);
}

/// r = σ(a_r + b_r),  z = σ(a_z + b_z),  n = tanh(a_n + r ⊙ b_n),  h' = n − z ⊙ n + z ⊙ h  (autograd/ops/gru_gates.h)
void gru_gates(const Operation& op) {
  const int width = op.shape().last(), all_gates = 3 * width;
  const int reset = sigmoid_gate(op, "reset", 0), update = sigmoid_gate(op, "update", width);
  const int candidate_sum =
      op.sum_part("candidate_sum", op.all[op.self()].sizes, {op.input(0), reset, op.input(1)},
                  [=, a = op.input(0), b = op.input(1)](std::int64_t k, const Rule::Visit& visit) {
                    const std::int64_t at = k / width * all_gates + 2 * width + k % width;
                    visit(std::array{Piece::of(a, at)});
                    visit(std::array{Piece::of(reset, k), Piece::of(b, at)});
                  });
  const int candidate = op.part("candidate", candidate_sum, tanh_of, "tanh({})", slope_of_tanh);
  op.is_sum({update, candidate, op.input(2)}, [=, h = op.input(2)](std::int64_t k, const Rule::Visit& visit) {
    visit(std::array{Piece::of(candidate, k)});
    visit(std::array{Piece::minus(), Piece::of(update, k), Piece::of(candidate, k)});
    visit(std::array{Piece::of(update, k), Piece::of(h, k)});
  });
}

/// c' = f ⊙ c + i ⊙ g,  h' = o ⊙ tanh(c')  (autograd/ops/lstm_gates.h). The node of c' is what later steps read of it;
/// the part `cell` is what h' is made of too.
void lstm_gates(const Operation& op) {
  const int width = op.shape().last(), cell_node = op.self() + 1;  // the operation's second output
  const int in = sigmoid_gate(op, "input", 0), forget = sigmoid_gate(op, "forget", width);
  const int candidate = op.part("candidate", gate_sum(op, "candidate", 2 * width), tanh_of, "tanh({})", slope_of_tanh);
  const int out = sigmoid_gate(op, "output", 3 * width);
  const int cell = op.sum_part("cell", op.all[op.self()].sizes, {forget, op.input(2), in, candidate},
                               [=, c = op.input(2)](std::int64_t k, const Rule::Visit& visit) {
                                 visit(std::array{Piece::of(forget, k), Piece::of(c, k)});
                                 visit(std::array{Piece::of(in, k), Piece::of(candidate, k)});
                               });
  const int shown = op.part("tanh_cell", cell, tanh_of, "tanh({})", slope_of_tanh);
  op.is_sum({out, shown}, [=](std::int64_t k, const Rule::Visit& visit) {
    visit(std::array{Piece::of(out, k), Piece::of(shown, k)});
  });
  op.all.set_rule(cell_node, std::make_unique<SumOfProducts>(cell_node, op.size(), std::vector{cell},
                                                             [=](std::int64_t k, const Rule::Visit& visit) {
                                                               visit(std::array{Piece::of(cell, k)});
                                                             }));
}

}  // namespace

bool recurrent_cells(const Operation& op) {
  const std::string_view name = op.node->name;
  if (name == "gru_gates") return gru_gates(op), true;
  return name == "lstm_gates" && (lstm_gates(op), true);
}

}  // namespace qkv::quantity_rules
