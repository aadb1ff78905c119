#pragma once

#include <functional>
#include <gtest/gtest.h>

#include "tests/autograd/numbers.h"

namespace qkv {

using Scalars = testing::Types<float, double>;

/// The outputs' values, and the gradients of all inputs for random gradients of the outputs.
template <class T>
struct Computed {
  std::vector<std::vector<T>> values, gradients;
};

/// A function and the shapes of its inputs. Inputs of as many elements get the same numbers.
template <class T>
struct Way {
  std::function<std::vector<Var<T>>(const std::vector<Var<T>>&)> function;
  std::vector<Shape> shapes;

  Computed<T> compute() const {
    Tape<T> tape;
    const Recording<T> recording(tape);
    std::vector<Var<T>> x;
    for (std::size_t i = 0; i < shapes.size(); ++i) x.push_back(normal_variable<T>(tape, shapes[i], 10 + i));
    const std::vector<Var<T>> y = function(x);
    std::vector<std::vector<T>> cotangents;
    std::vector<typename Tape<T>::Seed> seeds;
    for (std::size_t k = 0; k < y.size(); ++k) cotangents.push_back(normal_numbers<T>(y[k].size(), 20 + k));
    for (std::size_t k = 0; k < y.size(); ++k) seeds.push_back({y[k], cotangents[k]});
    tape.backward(seeds);
    Computed<T> result;
    for (const Var<T>& output : y) result.values.push_back(values_of(output));
    for (const Var<T>& input : x) result.gradients.push_back(gradient_of(input));
    return result;
  }
};

/// Values and gradients that are the expected ones up to rounding.
template <class T, class Expected = double>
void expect_computed(const Computed<T>& computed, const std::vector<std::vector<Expected>>& values,
                     const std::vector<std::vector<Expected>>& gradients) {
  const double tolerance = std::is_same_v<T, float> ? 3e-6 : 5e-15;
  ASSERT_EQ(computed.values.size(), values.size());
  for (std::size_t k = 0; k < values.size(); ++k)
    EXPECT_LE(largest_difference(computed.values[k], values[k]), tolerance) << "output " << k;
  ASSERT_EQ(computed.gradients.size(), gradients.size());
  for (std::size_t i = 0; i < gradients.size(); ++i)
    EXPECT_LE(largest_difference(computed.gradients[i], gradients[i]), tolerance) << "gradient of input " << i;
}

/// The same numbers, computed by one operation and by several.
template <class T>
void compare(const Way<T>& fused, const Way<T>& plain) {
  const Computed<T> expected = plain.compute();
  expect_computed<T, T>(fused.compute(), expected.values, expected.gradients);
}

}  // namespace qkv
