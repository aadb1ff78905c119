#pragma once

// The definitions behind tape.h and var.h, read after them.

#include "qkv/autograd/detail/unwritten.h"
#include "qkv/autograd/tape.h"

namespace qkv {

template <class T>
Node<T>* Tape<T>::new_node(const char* name, const Shape& shape, std::size_t parents) {
  if (watch_ != nullptr) [[unlikely]]
    watch_->before(node_count_);
  static_assert(sizeof(Node<T>) % alignof(Node<T>*) == 0 && sizeof(Node<T>) <= 128);
  void* memory = arena_.allocate(sizeof(Node<T>) + parents * sizeof(Node<T>*));
  Node<T>* node = new (memory) Node<T>();
  node->parents = reinterpret_cast<Node<T>**>(node + 1);
  node->previous = last_node_;
  node->tape = this;
  node->name = name;
  node->module = current_module;
  node->shape = shape;
  node->index = node_count_++;
  node->retained = retain_all_;
  last_node_ = node;
  return node;
}

template <class T>
Var<T> Tape<T>::make(const char* name, const Shape& shape, std::span<const Var<T>> parents) {
  Tape& tape = current();
  Node<T>* node = tape.new_node(name, shape, tape.records_gradients_ ? parents.size() : 0);
  node->value = tape.arena_.template array<T>(shape.size());
  if (!tape.records_gradients_) return Var<T>(node);
  node->parent_count = static_cast<std::int32_t>(parents.size());
  for (std::size_t i = 0; i < parents.size(); ++i) {
    Node<T>* parent = parents[i].node();
    node->parents[i] = parent;
    node->needs_gradient = node->needs_gradient || (parent->needs_gradient && parent->tape == &tape);
  }
  return Var<T>(node);
}

template <class T>
Var<T> Tape<T>::constant(const Shape& shape, std::span<const T> values, const char* name) {
  check(shape.size() == static_cast<std::int64_t>(values.size()), "{}: shape {} does not fit {} numbers", name, shape,
        values.size());
  Node<T>* node = new_node(name, shape);
  node->is_leaf = true;
  T* copy = arena_.array<T>(values.size());
  std::copy(values.begin(), values.end(), copy);
  node->value = copy;
  return Var<T>(node);
}

template <class T>
Var<T> Tape<T>::zeros(const Shape& shape) {
  T* numbers = arena_.array<T>(shape.size());
  std::fill_n(numbers, shape.size(), T(0));
  return leaf("zeros", shape, numbers, nullptr);
}

template <class T>
Var<T> Tape<T>::variable(const Shape& shape, std::span<const T> values, const char* name) {
  Var<T> x = constant(shape, values, name);
  x.node()->needs_gradient = true;
  x.node()->retained = true;
  return x;
}

template <class T>
Var<T> Tape<T>::leaf(const char* name, const Shape& shape, const T* value, T* gradient) {
  Node<T>* node = new_node(name, shape);
  node->is_leaf = true;
  node->value = const_cast<T*>(value);  // leaves are never written: open_value() is for an operation's own output
  node->gradient = gradient;
  node->needs_gradient = gradient != nullptr;
  node->outside = gradient != nullptr;
  node->retained = true;
  return Var<T>(node);
}

template <class T>
template <class Backward>
void Tape<T>::record(std::initializer_list<Var<T>> outputs, Backward backward) {
  static_assert(std::is_trivially_destructible_v<Backward>, "a backward captures values, nothing that owns memory");
  struct Recorded : Closure<T> {
    Backward backward;
  };
  static_assert(sizeof(Recorded) % alignof(Node<T>*) == 0);
  void* memory = arena_.allocate(sizeof(Recorded) + outputs.size() * sizeof(Node<T>*));
  auto* closure = new (memory) Recorded{{}, backward};
  closure->run = [](const Closure<T>* self) { static_cast<const Recorded*>(self)->backward(); };
  closure->previous = last_closure_;
  closure->outputs = reinterpret_cast<Node<T>**>(closure + 1);
  for (const Var<T>& output : outputs) closure->outputs[closure->output_count++] = output.node();
  last_closure_ = closure;
}

template <class T>
void Tape<T>::backward(Var<T> y) {
  check(y.size() == 1, "backward: {} of shape {} is not a scalar; give the gradient that flows into it as a seed",
        y.name(), y.shape());
  static const T one(1);
  backward(y, std::span<const T>(&one, 1));
}

template <class T>
void Tape<T>::backward(std::span<const Seed> seeds) {
  backward(seeds, [](const Closure<T>* closure) { closure->run(closure); });
}

template <class T>
template <class Run>
void Tape<T>::backward(std::span<const Seed> seeds, Run run) {
  check(!ran_backward_,
        "backward has already run on this tape; for a new step, rewind() the tape before its forward pass; to run "
        "backward again over the same values, call clear_gradients()");
  for (const auto& [y, gradient] : seeds) {
    check(y.node()->tape == this, "backward: {} was recorded on another tape", y.name());
    check(static_cast<std::int64_t>(gradient.size()) == y.size(),
          "backward: a seed of {} numbers does not fit {} of shape {}", gradient.size(), y.name(), y.shape());
    check(y.node()->needs_gradient,
          "backward: {} depends on nothing that needs a gradient (only constants, or recorded under NoGrad)", y.name());
  }
  ran_backward_ = true;
  ++backward_passes_;
  Recording<T> recording(*this);
  for (const auto& [y, gradient] : seeds)
    write_each(y.sink().open(), [seed = gradient.data()](auto i) { return seed[i]; });
  run_closures(run);
  for (Node<T>* node = last_node_; node != nullptr; node = node->previous)
    if (node->is_leaf && node->needs_gradient && !node->written) fill_gradient_with_zeros(node);
}

template <class T>
template <class Run>
void Tape<T>::run_closures(Run run) {
  for (const Closure<T>* closure = last_closure_; closure != nullptr; closure = closure->previous) {
    Node<T>** const outputs_end = closure->outputs + closure->output_count;
    const bool reached = std::any_of(closure->outputs, outputs_end, [](const Node<T>* y) { return y->written; });
    if (!reached) continue;
    run(closure);
    if (on_partial_writes_ != PartialWrites::ignored) look_at_first_writes(closure);
    std::for_each(closure->outputs, outputs_end, [this](Node<T>* y) { give_back_gradient(y); });
  }
}

template <class T>
void Tape<T>::look_at_first_writes(const Closure<T>* closure) {
  const Node<T>* operation = closure->outputs[0];  // the others have the same inputs
  for (std::int32_t i = 0; i < operation->parent_count; ++i) {
    Node<T>* input = operation->parents[i];
    if (!input->opened) continue;
    input->opened = false;
    const std::int64_t unwritten =
        std::count_if(input->gradient, input->gradient + input->shape.size(), is_unwritten<T>);
    if (unwritten == 0) continue;
    const std::string text = fmt::format(
        "{}: its backward does not assign all of the gradient of its input {}, {} {}: {} of {} numbers are left out, "
        "or "
        "added to what was never written; open() it once and write all of it, or use open_zeroed(){}",
        operation->name, i, input->name, input->shape, unwritten, input->shape.size(),
        operation->module == nullptr ? "" : fmt::format(" (in {})", operation->module));
    check(on_partial_writes_ == PartialWrites::noted, "{}", text);
    if (partial_write_.empty()) partial_write_ = text;
  }
}

template <class T>
void Tape<T>::fill_gradient_with_zeros(Node<T>* node) {
  if (node->gradient == nullptr) node->gradient = gradient_memory(node);
  std::fill_n(node->gradient, node->shape.size(), T(0));
  node->written = true;
}

template <class T>
void Tape<T>::give_back_gradient(Node<T>* node) {
  if (node->retained || node->gradient == nullptr) return;
  free_gradients_.give_back(node->gradient, node->shape.size() * sizeof(T));
  node->gradient = nullptr;
  node->recycled = true;
}

template <class T>
void Tape<T>::clear_gradients() {
  for (Node<T>* node = last_node_; node != nullptr; node = node->previous) {
    node->written = false;
    node->recycled = false;
    node->opened = false;
  }
  ran_backward_ = false;
  partial_write_.clear();
}

template <class T>
void Tape<T>::rewind() {
  check(open_scopes_ == 0, "rewind: a Scope of this tape is still open");
  restore({}, {});
}

template <class T>
void Tape<T>::restore(const State& state, Arena::Mark mark) {
  last_node_ = state.last_node;
  last_closure_ = state.last_closure;
  leaves_ = state.leaves;
  last_attention_ = state.last_attention;
  node_count_ = state.node_count;
  dropout_uses = state.dropout_uses;
  const bool ran_inside = backward_passes_ != state.backward_passes && state.last_node != nullptr;
  ran_backward_ = state.ran_backward && !ran_inside;
  if (ran_inside || gradients_taken_ != state.gradients_taken)
    for (Node<T>* node = last_node_; node != nullptr; node = node->previous)
      if (ran_inside || (node->gradient != nullptr && arena_.is_after(mark, node->gradient))) forget_gradient(node);
  free_gradients_.clear();
  partial_write_.clear();
  arena_.rewind(mark);
}

template <class T>
void Tape<T>::forget_gradient(Node<T>* node) {
  if (!node->outside) node->gradient = nullptr;
  node->written = false;
  node->recycled = false;
  node->opened = false;
}

template <class T>
const Node<T>* Tape<T>::first_not_finite() const {
  using std::isfinite;
  const Node<T>* first = nullptr;
  for (const Node<T>* node = last_node_; node != nullptr; node = node->previous)
    if (!std::all_of(node->value, node->value + node->shape.size(), [](const T& x) { return isfinite(x); }))
      first = node;
  return first;
}

template <class T>
Target<T> Sink<T>::open() {
  Tape<T>& tape = *node_->tape;
  if (node_->gradient == nullptr) node_->gradient = tape.gradient_memory(node_);
  if (!node_->written && tape.on_partial_writes_ != Tape<T>::PartialWrites::ignored) {
    mark_unwritten(node_->gradient, node_->shape.size());
    node_->opened = true;
  }
  const Target<T> target{node_->gradient, node_->shape.rows(), node_->shape.last(), node_->shape.last(),
                         node_->written};
  node_->written = true;
  return target;
}

template <class T>
Target<T> Sink<T>::open_zeroed() {
  if (!node_->written) node_->tape->fill_gradient_with_zeros(node_);
  return open();
}

template <class T>
View<T> Var<T>::grad() const {
  check(!node_->recycled, "grad: the gradient of {} was given back after use; call retain() before backward", name());
  check(node_->needs_gradient, "grad: {} needs no gradient: it is a constant or depends on constants only", name());
  if (!node_->written) node_->tape->fill_gradient_with_zeros(node_);
  return matrix(node_->gradient, node_->shape.rows(), last());
}

template <class T>
Sink<T> Var<T>::sink() const {
  return Sink<T>(node_->needs_gradient && node_->tape == Tape<T>::current_ ? node_ : nullptr);
}

}  // namespace qkv
