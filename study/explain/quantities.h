#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "qkv/autograd/dual.h"
#include "qkv/autograd/tape.h"
#include "qkv/study/explain/formula.h"

namespace qkv {

class Quantities;

/// One factor of a product: an element of a quantity, of its gradient, or a plain number with a name.
struct Piece {
  int quantity = -1;  ///< -1: a plain number
  std::int64_t element = 0;
  bool gradient = false;
  double number = 0;      ///< what a plain number is,
  const char* name = "";  ///< and is called

  static Piece of(int quantity, std::int64_t element) { return {quantity, element, false, 0, ""}; }
  static Piece gradient_of(int quantity, std::int64_t element) { return {quantity, element, true, 0, ""}; }
  static Piece plain(double number, const char* name) { return {-1, 0, false, number, name}; }
  static Piece minus() { return plain(-1, "−1"); }
};
using Product = std::vector<Piece>;

/// Some of the quantities that are computed from one; none: all of them.
using Readers = std::vector<int>;

/// A number that moves in one direction: what a rule is evaluated on, so that its slopes owe nothing to its backward.
using Moving = Dual<double, 1>;

/// How the elements of one quantity come from those of others: one equation of a textbook.
class Rule {
 public:
  using Read = std::function<Moving(const Piece&)>;
  using Visit = std::function<void(std::span<const Piece>)>;
  using VisitAt = std::function<void(std::int64_t, std::span<const Piece>)>;

  virtual ~Rule() = default;

  /// The quantities that it is computed from, each once.
  virtual std::vector<int> inputs() const = 0;

  /// Element k from what it is computed from.
  virtual Moving evaluate(std::int64_t k, const Read& read) const = 0;

  /// The terms of element k, combined as combined() says.
  virtual Combined combined() const { return Combined::sum; }
  virtual void terms(std::int64_t k, const Visit& visit) const = 0;

  /// Its formula in letters, in which `{}` stands for what the terms are written as; empty: their sum.
  virtual std::string expression(std::int64_t) const { return ""; }
  virtual std::string note() const { return ""; }

  /// What flows back to the elements of one input, or to `only` one of them: products that each hold a gradient.
  virtual void backward(int input, std::int64_t only, const VisitAt& visit) const = 0;
  static constexpr std::int64_t every = -1;  ///< instead of one element
};

/// A value with a name and a rule: a node of the tape, or what lies inside a fused operation.
struct Quantity {
  std::string name;        ///< such as "decoder.norm.layer_norm" or "decoder.layers.0.cross_attention.attention.scores"
  std::vector<int> sizes;  ///< without a batch of one
  const Node<double>* node = nullptr;  ///< nullptr: inside an operation
  std::unique_ptr<Rule> rule;          ///< none: a parameter or a constant
  std::vector<int> consumers;          ///< those that are computed from it
  std::string note;                    ///< why it has no rule, or no gradient

  std::int64_t size() const {
    std::int64_t product = 1;
    for (const int size : sizes) product *= size;
    return product;
  }
};

/// Every value of a pass, each with the rule it was computed by. What a fused operation keeps to itself, such as the
/// scores of an attention, is a quantity of its own here, so that every rule is one equation. Gradients of nodes are
/// the tape's; those inside operations, and those of constants, are summed up from what reads them, by the same rules.
class Quantities {
 public:
  /// A quantity for each node of the tape, at the node's index. The tape, on which backward has run with all gradients
  /// retained, must outlive it. Rules are given to them by study/explain/quantity_rules.h.
  explicit Quantities(std::span<Node<double>* const> nodes);

  int count() const { return static_cast<int>(quantities_.size()); }
  const Quantity& operator[](int quantity) const { return quantities_[quantity]; }

  /// Adds what lies inside the operation of this node, as "NODE.PART".
  int add_part(int node, const std::string& part, std::vector<int> sizes, std::unique_ptr<Rule> rule);
  void set_rule(int quantity, std::unique_ptr<Rule> rule);

  double value(int quantity, std::int64_t element) const;

  /// Whether the loss depends on it: not on a constant, nor on what nothing reads that it was computed from.
  bool has_gradient(int quantity) const;

  /// ∂loss / ∂ the element; 0 where the loss does not depend on it.
  double gradient(int quantity, std::int64_t element) const;

  /// The products that make up an element, and those that make up its gradient: what flows back from all that reads it,
  /// or from some of that.
  std::vector<Product> terms(int quantity, std::int64_t element) const;
  std::vector<Product> gradient_terms(int quantity, std::int64_t element, const Readers& readers = {}) const;

  double number(const Piece& piece) const;
  double number(std::span<const Piece> product) const;

  /// How the nodes of the operations around it move with one element of a quantity, by evaluating the rules on duals:
  /// of a part, or of a value as far as some of its readers read it.
  struct Moved {
    int node;
    std::int64_t element;
    double by;
  };
  std::vector<Moved> moved_with(int quantity, std::int64_t element, const Readers& readers = {}) const;

 private:
  struct Numbers {  // of what lies inside an operation, when they were asked for
    std::vector<double> values;
    std::vector<bool> known;
    std::vector<double> gradients;
  };

  std::deque<Quantity> quantities_;
  mutable std::deque<Numbers> numbers_;
};

}  // namespace qkv
