// The gradient check is tested with wrong backwards: every one must be caught, with the input and the index named.

#include <gtest/gtest.h>

#include <map>

#include "autograd/ops.h"
#include "study/check_operations.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

enum class Fault { none, off_by_a_millionth, one_entry_dropped, transposed, assigned, sign };

const std::map<Fault, const char*> fault_names{{Fault::off_by_a_millionth, "off by a factor of 1 + 1e-6"},
                                               {Fault::one_entry_dropped, "one entry dropped"},
                                               {Fault::transposed, "last two dimensions transposed"},
                                               {Fault::assigned, "assigned, not accumulated"},
                                               {Fault::sign, "sign flipped"}};

const std::map<Fault, const char*> diagnoses{{Fault::off_by_a_millionth, "off by the constant factor 1 + 1e-06"},
                                             {Fault::one_entry_dropped, "only this entry is wrong"},
                                             {Fault::transposed, "looks transposed"},
                                             {Fault::assigned, "the second use is not accumulated"},
                                             {Fault::sign, "has the wrong sign"}};

/// y = x, with a faulty backward. `entry` is the one that is dropped.
template <class T>
Var<T> faulty(Var<T> x, Fault fault, std::int64_t entry) {
  Var<T> y = Tape<T>::make("faulty", x.shape(), {x});
  write_each(assign(y), [a = x.data()](auto i) { return a[i]; });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    const int n = x.last(), m = x.rank() < 2 ? 1 : x.dim(-2);
    const auto dx = x.sink();
    if (!dx) return;
    Target<T> to = dx.target();
    if (fault == Fault::assigned) to.accumulate = false;
    write_each(to, [=](auto i) {
      if (fault == Fault::one_entry_dropped && i == entry) return T(0);
      if (fault == Fault::off_by_a_millionth) return T(1 + 1e-6) * dy[i];
      if (fault == Fault::sign) return -dy[i];
      if (fault == Fault::transposed) return dy[i / (m * n) * (m * n) + i % n * m + i / n % m];  // read as [n, m]
      return T(dy[i]);
    });
  });
  return y;
}

/// The operation with a fault between one of its inputs and itself. For an assignment that should have been an addition
/// to show, the input is used once more, later in the forward pass and so earlier in the backward pass.
auto with_fault(const OperationCase& operation, std::size_t input, Fault fault, std::int64_t entry) {
  return [&operation, input, fault, entry](auto x) {
    using V = std::remove_cvref_t<decltype(x[0])>;
    std::vector<V> vars(x.begin(), x.end());
    vars[input] = faulty(x[input], fault, entry);
    std::vector<V> outputs = operation.function(std::span<const V>(vars));
    if (fault == Fault::assigned) outputs.push_back(scale(x[input], 0.5));
    return outputs;
  };
}

/// The gradients of all inputs for one random cotangent.
std::vector<std::vector<double>> gradients(const OperationCase& operation, std::size_t input, Fault fault,
                                           std::int64_t entry) {
  Tape<double> tape;
  const Recording recording(tape);
  std::vector<Var<double>> vars;
  for (const CheckInput& in : with_values(operation.inputs, 1))
    vars.push_back(tape.variable(in.shape, in.values, "input"));
  const auto outputs = with_fault(operation, input, fault, entry)(std::span<const Var<double>>(vars));
  std::vector<std::vector<double>> cotangents, result;
  for (const Var<double>& y : outputs) cotangents.push_back(normal_numbers<double>(y.size(), 5));
  std::vector<Tape<double>::Seed> seeds;
  for (std::size_t k = 0; k < outputs.size(); ++k) seeds.push_back({outputs[k], cotangents[k]});
  tape.backward(seeds);
  for (const Var<double>& x : vars) result.push_back(gradient_of(x));
  return result;
}

TEST(PlantedFaults, AreAllCaughtInEveryInputOfEveryOperation) {
  int planted = 0, void_ones = 0;
  for (const OperationCase& operation : operation_cases())
    for (std::size_t input = 0; input < operation.inputs.size(); ++input) {
      const auto right = gradients(operation, input, Fault::none, 0)[input];
      const auto largest =
          std::max_element(right.begin(), right.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
      ASSERT_NE(*largest, 0) << operation.name << " does not depend on " << operation.inputs[input].name;
      const std::int64_t entry = largest - right.begin();
      for (const auto& [fault, name] : fault_names) {
        const std::string place = fmt::format("{}, {}, {}", operation.name, operation.inputs[input].name, name);
        if (fault == Fault::transposed && gradients(operation, input, fault, entry)[input] == right) {
          ++void_ones;  // a vector, or a gradient that is the same everywhere: this changes nothing
          continue;
        }
        ++planted;
        const GradcheckResult result = gradcheck(with_fault(operation, input, fault, entry), operation.inputs);
        EXPECT_FALSE(result.passed) << place;
        ASSERT_EQ(result.mismatches.size(), 1U) << place << ": " << result.message();
        const auto& [wrong_input, index, got, expected, diagnosis] = result.mismatches[0];
        EXPECT_EQ(wrong_input, operation.inputs[input].name) << place;
        EXPECT_EQ(static_cast<int>(index.size()), operation.inputs[input].shape.rank()) << place;
        EXPECT_EQ(result.message().substr(0, 13 + wrong_input.size()), "gradient of " + wrong_input + "[") << place;
        EXPECT_NE(got, expected) << place;
        const bool is_single = right.size() == 1;  // a single entry is a factor, whatever the fault
        if (!is_single || fault == Fault::off_by_a_millionth || fault == Fault::sign) {
          EXPECT_NE(diagnosis.find(diagnoses.at(fault)), std::string::npos) << place << ": " << diagnosis;
        }
      }
    }
  RecordProperty("planted", planted);
  fmt::print("{} faults planted and caught; {} transpositions left out, since they change nothing\n", planted,
             void_ones);
  EXPECT_GE(planted, 400);
}

// Operations as a person in a hurry would write them, each with its own mistake.

template <class T>
Var<T> softmax_without_sum(Var<T> x) {
  Var<T> y = Tape<T>::make("softmax", x.shape(), {x});
  std::copy(x.data(), x.data() + x.size(), assign(y).data);
  for (int i = 0; i < x.shape().rows(); ++i) softmax_in_place(assign(y).row_block(i, 1).data, x.last(), x.last());
  on_backward(y, [=] {
    const T *dy = y.grad().data, *p = y.data();
    if (auto dx = x.sink()) write_each(dx.target(), [=](auto i) { return p[i] * dy[i]; });  // − p Σ p dy is missing
  });
  return y;
}

/// softmax(factor · q kᵀ) v, with q's and k's gradients computed as if the factor were 1.
template <class T>
Var<T> attention_without_scale(Var<T> q, Var<T> k, Var<T> v) {
  const Var<T> scores = matmul(q, transpose(k));
  Var<T> scaled = Tape<T>::make("scale", scores.shape(), {scores});
  const T factor(1 / std::sqrt(static_cast<double>(q.last())));
  write_each(assign(scaled), [=, a = scores.data()](auto i) { return factor * a[i]; });
  on_backward(scaled, [=] {
    const T* dy = scaled.grad().data;
    if (auto dx = scores.sink()) write_each(dx.target(), [=](auto i) { return dy[i]; });
  });
  return matmul(softmax(scaled), v);
}

template <class T>
Var<T> layer_norm_without_mean(Var<T> x, Var<T> weight, Var<T> bias) {
  Var<T> y = Tape<T>::make("layer_norm", x.shape(), {x, weight, bias});
  const int rows = x.shape().rows(), width = x.last();
  T* normal = Tape<T>::current().template scratch<T>(static_cast<std::size_t>(x.size()));
  T* inverse_deviation = Tape<T>::current().template scratch<T>(static_cast<std::size_t>(rows));
  for (int i = 0; i < rows; ++i) {
    inverse_deviation[i] = normalise_row(x.data() + i * width, width, 1e-5, normal + i * width);
    scale_and_shift(normal + i * width, weight.data(), bias.data(), width, assign(y).data + i * width);
  }
  on_backward(y, [=] {
    const View<T> dy = y.grad(), n{normal, rows, width, width, false};
    if (auto dx = x.sink()) {
      const Target<T> to = dx.target();
      for (int i = 0; i < rows; ++i) {
        const T *g = dy.data + i * width, *row = normal + i * width, *w = weight.data();
        const T along = sum_of<T>(width, [=](int j) { return w[j] * g[j] * row[j]; }) / T(width);
        const T scale_back = inverse_deviation[i];
        write_each(to.row_block(i, 1), [=](auto j) { return (w[j] * g[j] - row[j] * along) * scale_back; });
      }
    }
    if (auto dweight = weight.sink()) sum_products_of_rows(dy, n, dweight.target());
    if (auto dbias = bias.sink()) sum_rows(dy, dbias.target());
  });
  return y;
}

template <class T>
Var<T> linear_with_transposed_gradient(Var<T> x, Var<T> w, Var<T> b) {
  Var<T> y = Tape<T>::make("linear", x.shape().with_last(w.dim(0)), {x, w, b});
  gemm(x.rows(), w.rows().transposed(), assign(y));
  add_to_rows(assign(y), b.data());
  on_backward(y, [=] {
    const View<T> dy = y.grad();
    if (auto dx = x.sink()) gemm(dy, w.rows(), dx.target());
    if (auto dw = w.sink()) gemm(x.rows().transposed(), dy, dw.target());  // Xᵀ dY: fits, since w is square
    if (auto db = b.sink()) sum_rows(dy, db.target());
  });
  return y;
}

template <class T>
Var<T> embedding_without_accumulation(Var<T> table, std::span<const int> ids) {
  const auto count = static_cast<int>(ids.size()), width = table.last();
  Var<T> y = Tape<T>::make("embedding", Shape{count, width}, {table});
  const int* kept = Tape<T>::current().keep(ids.data(), ids.size());
  for (int i = 0; i < count; ++i) std::copy_n(table.data() + kept[i] * width, width, assign(y).row_block(i, 1).data);
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dtable = table.sink_zeroed()) {
      T* out = dtable.target().data;
      for (int i = 0; i < count; ++i) std::copy_n(dy + i * width, width, out + kept[i] * width);
    }
  });
  return y;
}

/// The mean over the rows, whose gradient forgets that it is a mean.
template <class T>
Var<T> cross_entropy_without_divisor(Var<T> logits, std::span<const int> targets) {
  const Var<T> total = cross_entropy(logits, targets, {.divide_by = 1});
  Var<T> loss = Tape<T>::make("cross_entropy", Shape{}, {total});
  assign(loss).data[0] = total.item() / T(static_cast<double>(targets.size()));
  on_backward(loss, [=] {
    const T dloss = loss.grad().data[0];
    if (auto dtotal = total.sink()) write_each(dtotal.target(), [=](auto) { return dloss; });
  });
  return loss;
}

/// The words that are no padding, 0 for the others, whose gradient is let through all the same.
template <class T>
Var<T> words_with_leaking_gradient(Var<T> x, std::span<const int> lengths) {
  Var<T> y = Tape<T>::make("words", x.shape(), {x});
  for (int b = 0; b < x.dim(0); ++b)
    for (int i = 0; i < x.dim(1); ++i) {
      const int row = b * x.dim(1) + i;
      const T* from = x.rows().row_block(row, 1).data;
      const bool is_word = i < lengths[static_cast<std::size_t>(b)];
      write_each(assign(y).row_block(row, 1), [=](auto j) { return is_word ? from[j] : T(0); });
    }
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) write_each(dx.target(), [=](auto i) { return dy[i]; });  // for padding too
  });
  return y;
}

void expect_caught(const GradcheckResult& result, const std::vector<std::string>& wrong_inputs,
                   const std::string& diagnosis) {
  EXPECT_FALSE(result.passed);
  std::vector<std::string> named;
  for (const Mismatch& mismatch : result.mismatches) {
    named.push_back(mismatch.input);
    EXPECT_EQ(mismatch.diagnosis, diagnosis);
  }
  std::sort(named.begin(), named.end());
  EXPECT_EQ(named, wrong_inputs) << result.message();
  EXPECT_EQ(result.message().substr(0, 12), "gradient of ");
}

TEST(PlantedFaults, OfWholeOperationsAreCaughtInTheRightInputs) {
  const std::vector<int> ids{2, 0, 2, 1}, targets{1, 0, 3};
  const std::string sum_term = "its rows should sum to 0 and do not: the softmax's (or a mean's) Σ term is missing";
  expect_caught(gradcheck([](auto x) { return softmax_without_sum(x[0]); }, {{"x", {3, 5}}}), {"x"}, sum_term);
  expect_caught(gradcheck([](auto x) { return attention_without_scale(x[0], x[1], x[2]); },
                          {{"q", {2, 3, 4}}, {"k", {2, 3, 4}}, {"v", {2, 3, 4}}}, {.sizes = {{"width", 4}}}),
                {"k", "q"}, "off by the constant factor 2 = √width");
  expect_caught(gradcheck([](auto x) { return layer_norm_without_mean(x[0], x[1], x[2]); },
                          {{"x", {3, 6}}, {"weight", {6}}, {"bias", {6}}}),
                {"x"}, sum_term);
  expect_caught(gradcheck([](auto x) { return linear_with_transposed_gradient(x[0], x[1], x[2]); },
                          {{"x", {3, 4}}, {"w", {4, 4}}, {"b", {4}}}),
                {"w"}, "looks transposed");
  expect_caught(gradcheck([&](auto x) { return embedding_without_accumulation(x[0], ids); }, {{"table", {3, 2}}}),
                {"table"}, "only row 2 is wrong: if used more than once, the second use is not accumulated?");
  const std::vector<int> lengths{3, 1};
  const GradcheckResult leak =
      gradcheck([&](auto x) { return words_with_leaking_gradient(x[0], lengths); }, {{"x", {2, 3, 2}}});
  expect_caught(leak, {"x"}, "every wrong entry should be 0: does a mask leak?");
  EXPECT_EQ(leak.message(),
            "gradient of x[1, 1, 0]: got 1, expected 0 (every wrong entry should be 0: does a mask leak?)");
  expect_caught(gradcheck([&](auto x) { return cross_entropy_without_divisor(x[0], targets); }, {{"logits", {3, 4}}},
                          {.sizes = {{"rows", 3}}}),
                {"logits"}, "off by the constant factor 3 = rows");
}

}  // namespace
}  // namespace qkv
