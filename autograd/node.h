#pragma once

#include <cstdint>

#include "qkv/autograd/shape.h"

namespace qkv {

template <class T>
class Tape;

/// A value on a tape: its numbers, its gradient once there is one, and where it came from. Nodes live in the tape's
/// arena, the list of parents right behind; `Var` is how they are held.
template <class T>
struct Node {
  T* value = nullptr;
  T* gradient = nullptr;
  Node** parents = nullptr;  // what it was computed from
  Node* previous = nullptr;  // the node made before it on the same tape
  Tape<T>* tape = nullptr;
  const char* name = nullptr;    // the operation, or the name of a leaf
  const char* module = nullptr;  // the layer it was computed in, or nullptr
  Shape shape;
  std::int32_t parent_count = 0;
  std::int32_t index = 0;  // how many nodes were made before it
  bool needs_gradient = false;
  bool is_leaf = false;
  bool written = false;   // its gradient holds something: the next write adds
  bool retained = false;  // its gradient is kept for looking at
  bool recycled = false;  // its gradient was given back
  bool outside = false;   // its gradient lies in memory that is not the tape's
  bool opened = false;    // its gradient was opened for the first time, and nobody looked yet whether all was written
};

/// The backward of one operation, in the tape's arena: what to run, and the outputs whose gradients it reads. The
/// operation's own captures and the list of outputs follow it in memory.
template <class T>
struct Closure {
  void (*run)(const Closure*) = nullptr;
  Closure* previous = nullptr;
  Node<T>** outputs = nullptr;
  std::int32_t output_count = 0;
};

}  // namespace qkv
