#pragma once

#include <functional>
#include <numeric>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "qkv/autograd/block.h"
#include "qkv/autograd/tape.h"
#include "qkv/layers/initialise.h"

namespace qkv {

template <class T>
class Parameters;

/// One learnable tensor of a layer. Calling it gives its leaf on the current tape: the shared value and the gradient
/// of whoever records there.
template <class T>
class Parameter {
 public:
  Parameter() = default;
  Parameter(Parameters<T>* owner, int index) : owner_(owner), index_(index) {}
  Var<T> operator()() const { return owner_->on_tape(index_); }

 private:
  Parameters<T>* owner_ = nullptr;
  int index_ = 0;
};

/// A place in a model's tree of names: layers are built with `path / "encoder"` and add their parameters there.
template <class T>
class Path {
 public:
  Path(Parameters<T>& parameters, std::string name) : parameters_(&parameters), name_(std::move(name)) {}

  Path operator/(const std::string& part) const { return {*parameters_, name_.empty() ? part : name_ + "." + part}; }
  Path operator/(int number) const { return *this / std::to_string(number); }

  Parameter<T> add(const std::string& name, const Shape& shape, Initialise how) const {
    return {parameters_, parameters_->add((*this / name).name_, shape, how)};
  }
  const std::string& name() const { return name_; }

 private:
  Parameters<T>* parameters_;
  std::string name_;
};

/// Looks at each parameter of a model that is being built, before it is added, and throws where the model must not be
/// built any further: how a model is compared with a file before it takes memory.
using ParameterCheck = std::function<void(const std::string& name, const Shape& shape)>;

/// All parameters of one model, in one contiguous block; each tensor starts on 64 bytes. Their gradients and an
/// optimiser's moments are blocks of the same layout, so that an update is one loop.
template <class T>
class Parameters {
 public:
  struct Entry {
    std::string name;  ///< such as "encoder.layers.0.norm1.weight"
    Shape shape;
    std::size_t offset;  ///< of its first number in the block
    Initialise how;
  };

  Parameters() = default;
  explicit Parameters(ParameterCheck check_new) : check_new_(std::move(check_new)) {}
  Parameters(const Parameters&) = delete;  // layers point here
  Parameters& operator=(const Parameters&) = delete;

  /// Where a model's outermost layers add their parameters.
  Path<T> root() { return {*this, ""}; }

  /// Adds a tensor; returns its index. Throws std::invalid_argument if the name is taken or the values are in use, and
  /// what the ParameterCheck throws. The numbers take memory only when `values` or `gradients` are asked for.
  int add(const std::string& name, const Shape& shape, Initialise how) {
    check(values_.size() == 0, "parameters: {} is added after the values were laid out", name);
    if (check_new_) check_new_(name, shape);
    check(names_.insert(name).second, "parameters: {} exists already", name);
    entries_.push_back({name, shape, size_, how});
    constexpr std::size_t step = Arena::alignment / std::gcd(Arena::alignment, sizeof(T));
    size_ = (size_ + static_cast<std::size_t>(shape.size()) + step - 1) / step * step;
    return static_cast<int>(entries_.size()) - 1;
  }

  /// Gives every tensor its first values. Each draws from a stream of its own, by its place in the list, so that its
  /// size does not change what the following ones draw.
  void initialise(std::uint64_t seed) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      Random random(mix64(seed) + i);
      qkv::initialise(values(i), entries_[i].shape, entries_[i].how, random);
    }
  }

  const std::vector<Entry>& entries() const { return entries_; }

  /// How many numbers the block holds, and how many of them are learnt.
  std::size_t size() const { return size_; }
  std::int64_t count() const {
    std::int64_t total = 0;
    for (const Entry& entry : entries_) total += entry.shape.size();
    return total;
  }

  /// The numbers, to be given values: they take memory from now on, and are 0 at first.
  std::span<T> values() {
    if (values_.size() != size_) values_ = Block<T>(size_);
    return values_.span();
  }
  std::span<T> values(std::size_t index) { return part(values(), index); }

  /// The numbers to read. Throws std::invalid_argument if nobody has given them values, so that a model which was never
  /// initialised does not train on zeros.
  std::span<const T> values() const {
    check(values_.size() == size_, "parameters: they have no values yet; call initialise(seed), or load them");
    return values_.span();
  }
  std::span<const T> values(std::size_t index) const { return part(values(), index); }

  /// The gradients of models that one tape at a time trains; workers bring blocks of their own, see `bind`.
  std::span<T> gradients() {
    if (gradients_.size() != size_) gradients_ = Block<T>(size_);
    return gradients_.span();
  }
  std::span<T> gradients(std::size_t index) { return part(gradients(), index); }

  /// The numbers of one tensor in a block of this layout.
  template <class Number>
  std::span<Number> part(std::span<Number> block, std::size_t index) const {
    const Entry& entry = entries_[index];
    return block.subspan(entry.offset, static_cast<std::size_t>(entry.shape.size()));
  }

  /// Puts all parameters on the current tape, with their gradients in this block.
  void bind(std::span<T> gradient_block) const {
    check(gradient_block.size() == size_, "parameters: a gradient block of {} numbers does not fit {}",
          gradient_block.size(), size_);
    bind_leaves(gradient_block.data());
  }

  /// Lets these values of the current tape stand for the parameters, in the order of the entries: what a gradient
  /// check does.
  void bind(std::span<const Var<T>> vars) const {
    check(vars.size() == entries_.size(), "parameters: {} values cannot stand for {} parameters", vars.size(),
          entries_.size());
    for (std::size_t i = 0; i < vars.size(); ++i)
      check(vars[i].shape() == entries_[i].shape, "parameters: a value of shape {} cannot stand for {} of shape {}",
            vars[i].shape(), entries_[i].name, entries_[i].shape);
    Tape<T>& tape = Tape<T>::current();
    Var<T>* copy = tape.template scratch<Var<T>>(vars.size());
    std::copy(vars.begin(), vars.end(), copy);
    tape.bind(this, copy);
  }

  /// What stands for one parameter on the current tape, on which all were bound.
  Var<T> bound(std::size_t index) const { return Tape<T>::current().leaves_of(this)[index]; }

  /// The leaf of one parameter on the current tape. A tape that nothing was bound to gets `gradients()`.
  Var<T> on_tape(int index) {
    const Tape<T>& tape = Tape<T>::current();
    Var<T>* vars = tape.leaves_of(this);
    const bool wants_gradients = tape.records_gradients();
    if (vars == nullptr || (wants_gradients && is_without_gradient(vars[index], index)))
      vars = bind_leaves(wants_gradients ? gradients().data() : nullptr);
    return vars[index];
  }

 private:
  /// Whether the leaf was put on the tape under NoGrad, which has ended by now: it cannot be used to learn.
  bool is_without_gradient(Var<T> leaf, int index) const {
    return !leaf.node()->needs_gradient && values_.size() == size_ &&
           leaf.data() == values_.data() + entries_[static_cast<std::size_t>(index)].offset;
  }

  Var<T>* bind_leaves(T* gradient_block) const {
    Tape<T>& tape = Tape<T>::current();
    const T* value_block = values().data();
    Var<T>* vars = tape.template scratch<Var<T>>(entries_.size());
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      T* gradient = gradient_block == nullptr ? nullptr : gradient_block + entry.offset;
      vars[i] = tape.leaf(entry.name.c_str(), entry.shape, value_block + entry.offset, gradient);
    }
    tape.bind(this, vars);
    return vars;
  }

  ParameterCheck check_new_;
  std::vector<Entry> entries_;
  std::unordered_set<std::string> names_;  // of the entries; only ever looked up
  std::size_t size_ = 0;
  Block<T> values_;
  Block<T> gradients_;
};

}  // namespace qkv
