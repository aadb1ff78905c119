#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>

#include "qkv/autograd/detail/arena.h"
#include "qkv/autograd/detail/free_lists.h"
#include "qkv/autograd/var.h"

namespace qkv {

template <class T>
struct AttentionRecord;
template <class T>
class Recording;
template <class T>
class NoGrad;
template <class T>
class Scope;

/// What the random draws of one step depend on, apart from where in the batch they are used (see ops/dropout.h).
struct DrawKey {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  int first_row = 0;      // the whole batch's number of this tape's first row
  bool training = false;  // dropout does nothing unless this is set
};

/// The record of a computation: every operation puts its value here at once and pushes one closure that does its
/// backward. The order of creation is a topological order, so backward is one loop over the closures from the last to
/// the first: no search and no recursion. Values, gradients and closures live in one arena until `rewind`.
///
/// One tape per thread at a time is current: operations record on it. `Recording` makes a tape current for a block.
template <class T>
class Tape {
 public:
  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// The tape that operations on T record on in this thread. Throws std::invalid_argument when there is none.
  static Tape& current() {
    check(current_ != nullptr, "no tape is recording: write `Tape<T> tape; Recording recording(tape);` first");
    return *current_;
  }

  /// Makes the uninitialised output of the operation `name` from its parents. It needs a gradient if one of them does
  /// and lies on this tape; a Var of another tape is a constant here.
  static Var<T> make(const char* name, const Shape& shape, std::initializer_list<Var<T>> parents) {
    return make(name, shape, std::span<const Var<T>>(parents.begin(), parents.size()));
  }
  static Var<T> make(const char* name, const Shape& shape, std::span<const Var<T>> parents);

  /// A copy of these numbers as an input whose gradient is wanted, and kept after backward.
  Var<T> variable(const Shape& shape, std::span<const T> values, const char* name = "variable");
  Var<T> variable(const Shape& shape, std::initializer_list<T> values, const char* name = "variable") {
    return variable(shape, std::span<const T>(values.begin(), values.size()), name);
  }

  /// A copy of these numbers as an input that needs no gradient.
  Var<T> constant(const Shape& shape, std::span<const T> values, const char* name = "constant");
  Var<T> constant(const Shape& shape, std::initializer_list<T> values, const char* name = "constant") {
    return constant(shape, std::span<const T>(values.begin(), values.size()), name);
  }

  /// Zeros that need no gradient.
  Var<T> zeros(const Shape& shape);

  /// An input whose numbers, and gradient unless it is nullptr, lie outside the tape and are not copied; like the name
  /// of any input, they must outlive the step.
  Var<T> leaf(const char* name, const Shape& shape, const T* value, T* gradient);

  /// Records the backward of the operation with these outputs; see `on_backward`.
  template <class Backward>
  void record(std::initializer_list<Var<T>> outputs, Backward backward);

  /// Computes the gradient of y, a scalar, with respect to everything it was computed from.
  /// Throws std::invalid_argument when y is not a scalar, is not on this tape, or backward has already run.
  void backward(Var<T> y);

  /// The gradient that flows into one output, of its size.
  struct Seed {
    Var<T> output;
    std::span<const T> gradient;
  };

  /// The same for any outputs, given the gradients that flow into them: computes Σ seedᵀ · ∂output/∂x for every x.
  void backward(std::span<const Seed> seeds);
  void backward(Var<T> y, std::span<const T> seed) {
    const Seed only{y, seed};
    backward(std::span<const Seed>(&only, 1));
  }

  /// The same for looking between operations: run(closure) is called where the closure of an operation that was reached
  /// would run, in that order.
  template <class Run>
  void backward(std::span<const Seed> seeds, Run run);

  /// Forgets all gradients, so that backward can run again over the same values.
  void clear_gradients();

  /// What happens when an operation's backward opens a gradient for the first time, which is to be assigned, and leaves
  /// part of it unwritten or adds to it. The gradient is wrong then; unless that is ignored, it holds not-a-number
  /// there, so that it does not look right by chance.
  enum class PartialWrites { ignored, noted, refused };

  /// They are refused in debug builds, backward throws std::invalid_argument, and ignored in others, where nothing is
  /// looked at.
  void on_partial_writes(PartialWrites how) { on_partial_writes_ = how; }

  /// The first that was noted since gradients were cleared: the operation and its input, for people; else "".
  const std::string& partial_write() const { return partial_write_; }

  /// Forgets everything and takes the memory back for the next step. Every Var of this tape becomes invalid.
  /// Throws std::invalid_argument inside a Scope, whose values it would take away.
  void rewind();

  /// Uninitialised memory that lasts as long as the values of this step.
  template <class Item>
  Item* scratch(std::int64_t count) {
    static_assert(std::is_trivially_destructible_v<Item>);
    return arena_.array<Item>(count);
  }
  template <class Item>
  std::span<Item> list(std::int64_t count) {
    return std::span<Item>(scratch<Item>(count), count);
  }

  /// A copy in the arena, for closures to keep.
  template <class Item>
  const Item* keep(const Item* items, std::int64_t count) {
    Item* copy = scratch<Item>(count);
    std::copy(items, items + count, copy);
    return copy;
  }

  /// Memory for a backward's intermediate results; see `Borrowed`.
  void* borrow(std::size_t bytes) { return free_gradients_.take(arena_, bytes); }
  void give_back(void* memory, std::size_t bytes) { free_gradients_.give_back(memory, bytes); }

  /// Keeps every gradient for looking at, from now on.
  void retain_all(bool retain) { retain_all_ = retain; }

  /// What is told of each node before it is made, when all that it is computed from is there: how checks change values
  /// in the middle of a forward pass.
  struct NodeWatch {
    virtual ~NodeWatch() = default;
    virtual void before(std::int32_t index) = 0;
  };

  /// From now on the watch is told; nullptr: nobody is.
  void watch(NodeWatch* watch) { watch_ = watch; }

  /// The closure recorded last; `previous` leads to the others.
  Closure<T>* last_closure() const { return last_closure_; }

  /// What attention layers left here, the last first; see autograd/attention_record.h.
  const AttentionRecord<T>* last_attention() const { return last_attention_; }
  void set_last_attention(const AttentionRecord<T>* record) { last_attention_ = record; }

  /// The node made last; `previous` leads to the others.
  Node<T>* last_node() const { return last_node_; }

  /// The first node, in order of creation, that holds NaN or infinity; nullptr if all are finite.
  const Node<T>* first_not_finite() const;

  /// Whether operations record their backward here; not under NoGrad.
  bool records_gradients() const { return records_gradients_; }

  const Arena& arena() const { return arena_; }

  DrawKey draws;         // set by whoever trains; read by dropout
  int dropout_uses = 0;  // how often dropout was used in this step

  /// The leaves that stand for one set of parameters on this tape; see layers/parameters.h.
  struct Leaves {
    const void* parameters;
    Var<T>* vars;
    Leaves* next;
  };
  Var<T>* leaves_of(const void* parameters) const {
    for (const Leaves* bound = leaves_; bound != nullptr; bound = bound->next)
      if (bound->parameters == parameters) return bound->vars;
    return nullptr;
  }
  void bind(const void* parameters, Var<T>* vars) {
    leaves_ = new (scratch<Leaves>(1)) Leaves{parameters, vars, leaves_};
  }

 private:
  template <class>
  friend class Recording;
  template <class>
  friend class NoGrad;
  template <class>
  friend class Scope;
  template <class>
  friend class Var;
  template <class>
  friend class Sink;

  struct State {  // what a Scope restores
    Node<T>* last_node = nullptr;
    Closure<T>* last_closure = nullptr;
    Leaves* leaves = nullptr;
    const AttentionRecord<T>* last_attention = nullptr;
    std::int64_t backward_passes = 0;
    std::int64_t gradients_taken = 0;
    std::int32_t node_count = 0;
    int dropout_uses = 0;
    bool ran_backward = false;
  };
  State state() const {
    return {last_node_,       last_closure_, leaves_,      last_attention_, backward_passes_,
            gradients_taken_, node_count_,   dropout_uses, ran_backward_};
  }
  void restore(const State& state, Arena::Mark mark);
  static void forget_gradient(Node<T>* node);

  Node<T>* new_node(const char* name, const Shape& shape, std::size_t parents = 0);
  T* gradient_memory(const Node<T>* node) {
    ++gradients_taken_;
    return static_cast<T*>(free_gradients_.take(arena_, node->shape.size() * sizeof(T)));
  }
  void fill_gradient_with_zeros(Node<T>* node);
  void give_back_gradient(Node<T>* node);
  template <class Run>
  void run_closures(Run run);
  void look_at_first_writes(const Closure<T>* closure);

#if defined(NDEBUG)
  static constexpr PartialWrites usual_partial_writes = PartialWrites::ignored;
#else
  static constexpr PartialWrites usual_partial_writes = PartialWrites::refused;
#endif
  static inline constinit thread_local Tape* current_ = nullptr;

  Arena arena_;
  FreeLists free_gradients_;
  std::string partial_write_;
  Node<T>* last_node_ = nullptr;
  Closure<T>* last_closure_ = nullptr;
  Leaves* leaves_ = nullptr;
  const AttentionRecord<T>* last_attention_ = nullptr;
  NodeWatch* watch_ = nullptr;
  std::int64_t backward_passes_ = 0;
  std::int64_t gradients_taken_ = 0;
  std::int32_t node_count_ = 0;
  int open_scopes_ = 0;
  bool records_gradients_ = true;
  bool retain_all_ = false;
  PartialWrites on_partial_writes_ = usual_partial_writes;
  bool ran_backward_ = false;
};

/// Numbers that a backward needs for itself, given back at the end of the block.
template <class T>
class Borrowed {
 public:
  explicit Borrowed(std::int64_t count) : tape_(Tape<T>::current()), bytes_(count * sizeof(T)) {
    data_ = static_cast<T*>(tape_.borrow(bytes_));
  }
  ~Borrowed() { tape_.give_back(data_, bytes_); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  T* data() const { return data_; }

 private:
  Tape<T>& tape_;
  std::size_t bytes_;
  T* data_;
};

/// Opens the value of y, an operation's own output, for writing.
template <class T>
Target<T> open_value(Var<T> y) {
  return new_matrix(y.node()->value, y.shape().rows(), y.last());
}

/// Records the backward of the operation whose output is y: a function that reads y.grad() and writes to the sinks of
/// the inputs. It runs only if y was reached, must be trivially destructible, and captures by value: Vars, numbers and
/// pointers into the arena.
template <class T, class Backward>
void on_backward(Var<T> y, Backward backward) {
  if (y.node()->needs_gradient) y.node()->tape->record({y}, backward);
}

/// The same for an operation with several outputs: it runs if one of them was reached, the others read as zero.
template <class T, class Backward>
void on_backward(std::initializer_list<Var<T>> outputs, Backward backward) {
  const Var<T>& first = *outputs.begin();
  if (first.node()->needs_gradient) first.node()->tape->record(outputs, backward);
}

}  // namespace qkv

#include "qkv/autograd/detail/tape_implementation.h"
#include "qkv/autograd/recording.h"
