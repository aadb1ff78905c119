#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// Makes a tape the current one until the end of the block, also when an exception ends it.
template <class T>
class Recording {
 public:
  explicit Recording(Tape<T>& tape) : outer_(Tape<T>::current_) { Tape<T>::current_ = &tape; }
  ~Recording() { Tape<T>::current_ = outer_; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  Tape<T>* outer_;
};

/// Until the end of the block, operations on the tape compute values only: no closures, no gradients.
template <class T>
class NoGrad {
 public:
  explicit NoGrad(Tape<T>& tape) : tape_(tape), outer_(tape.records_gradients_) { tape.records_gradients_ = false; }
  ~NoGrad() { tape_.records_gradients_ = outer_; }
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  Tape<T>& tape_;
  bool outer_;
};

/// Takes back what was put on the tape since it began, at the end of the block. Gradients of a backward inside it go
/// too, also those of values that were there before; what was written to memory outside the tape stays.
template <class T>
class Scope {
 public:
  explicit Scope(Tape<T>& tape) : tape_(tape), state_(tape.state()), mark_(tape.arena_.mark()) { ++tape.open_scopes_; }
  ~Scope() {
    tape_.restore(state_, mark_);
    --tape_.open_scopes_;
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Tape<T>& tape_;
  typename Tape<T>::State state_;
  Arena::Mark mark_;
};

}  // namespace qkv
