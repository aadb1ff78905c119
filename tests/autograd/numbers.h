#pragma once

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "qkv/autograd/random.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// Standard normal numbers; a float gets the rounded double.
template <class T>
std::vector<T> normal_numbers(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<T> numbers;
  while (static_cast<std::int64_t>(numbers.size()) < count) numbers.push_back(static_cast<T>(random.normal()));
  return numbers;
}

/// An input of standard normal numbers on this tape.
template <class T>
Var<T> normal_variable(Tape<T>& tape, const Shape& shape, std::uint64_t seed, const char* name = "x") {
  return tape.variable(shape, normal_numbers<T>(shape.size(), seed), name);
}

/// The gradient of x, as a list.
template <class T>
std::vector<T> gradient_of(Var<T> x) {
  return {x.grad().data, x.grad().data + x.size()};
}

template <class T>
std::vector<T> values_of(Var<T> x) {
  return {x.values().begin(), x.values().end()};
}

/// max|a − b| / max(1, max|b|).
template <class A, class B>
double largest_difference(const A& a, const B& b) {
  if (a.size() != b.size()) return INFINITY;
  double difference = 0, scale = 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (!(std::abs(x - y) < INFINITY)) return INFINITY;
    difference = std::max(difference, std::abs(x - y));
    scale = std::max(scale, std::abs(y));
  }
  return difference / scale;
}

/// What a call complains about; "" if it does not.
template <class Call>
std::string complaint(Call call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace qkv
