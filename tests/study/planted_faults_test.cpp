// The gradient check is tested with wrong backwards: every one must be caught, with the input and the index named.

#include <gtest/gtest.h>
#include <map>

#include "qkv/autograd/ops.h"
#include "qkv/study/check_operations.h"
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
  write_each(open_value(y), [a = x.data()](auto i) { return a[i]; });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    const int n = x.last(), m = x.rank() < 2 ? 1 : x.dim(-2);
    auto dx = x.sink();
    if (!dx) return;
    Target<T> to = dx.open();
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

/// The place of an entry among all entries, row by row.
std::int64_t place_of(const std::vector<int>& index, const Shape& shape) {
  std::int64_t place = 0;
  for (std::size_t i = 0; i < index.size(); ++i) place = place * shape.dim(static_cast<int>(i)) + index[i];
  return place;
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
        if (fault == Fault::one_entry_dropped) {
          EXPECT_EQ(place_of(index, operation.inputs[input].shape), entry) << place;
        }
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

}  // namespace
}  // namespace qkv
