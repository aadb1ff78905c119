#pragma once

#include <span>

#include "qkv/autograd/node.h"
#include "qkv/autograd/view.h"

namespace qkv {

/// Where an operation's backward writes the gradient of one of its inputs. False when that input needs none. Whether
/// the writes assign or add is decided when it is opened, so that an operation may use the same input twice.
template <class T>
class Sink {
 public:
  explicit Sink(Node<T>* node) : node_(node) {}
  explicit operator bool() const { return node_ != nullptr; }

  /// Opens the gradient for writing, as a matrix of rows × last dimension. After the first opening what is written is
  /// assigned, and must be all of it; after later ones it is added.
  Target<T> open();

  /// The same for partial or scattered writes: what is opened for the first time is filled with zeros, so that every
  /// write adds.
  Target<T> open_zeroed();

 private:
  Node<T>* node_;
};

/// A value on a tape: one pointer, copied freely, valid until its tape is rewound.
template <class T>
class Var {
 public:
  using Scalar = T;

  Var() = default;
  explicit Var(Node<T>* node) : node_(node) {}
  explicit operator bool() const { return node_ != nullptr; }

  const Shape& shape() const { return node_->shape; }
  int rank() const { return node_->shape.rank(); }
  int dim(int i) const { return node_->shape.dim(i); }
  int last() const { return node_->shape.last(); }
  std::int64_t size() const { return node_->shape.size(); }

  /// The numbers, row by row.
  const T* data() const { return node_->value; }
  std::span<const T> values() const { return std::span<const T>(node_->value, size()); }

  /// The only number of a value that has one. Throws std::invalid_argument otherwise.
  const T& item() const {
    check(size() == 1, "item: {} has {} elements, not one", shape(), size());
    return node_->value[0];
  }

  /// The value as a matrix: the leading dimensions together × the last.
  View<T> rows() const { return matrix(node_->value, node_->shape.rows(), last()); }

  /// The gradient as such a matrix: zero where the loss does not depend on it. Throws std::invalid_argument if it was
  /// given back after use; ask for it to be retained before running backward.
  View<T> grad() const;

  /// Whether anything was written to the gradient. Reading `grad()` of an unreached value costs filling it with zeros.
  bool reached() const { return node_->written; }

  /// Keeps the gradient for looking at after backward. Returns the same Var.
  Var retain() const {
    node_->retained = true;
    return *this;
  }

  /// Where to write this input's gradient, or nothing if it needs none: a constant, or a value of another tape.
  Sink<T> sink() const;

  const char* name() const { return node_->name; }
  const char* module() const { return node_->module; }
  Node<T>* node() const { return node_; }

 private:
  Node<T>* node_ = nullptr;
};

}  // namespace qkv
