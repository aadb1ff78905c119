#include "qkv/autograd/gradcheck/operation_check.h"

#include <cmath>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <map>

#include "qkv/autograd/ops/cross_entropy.h"
#include "qkv/layers/gradcheck_model.h"
#include "qkv/study/in_scalar.h"

namespace qkv {
namespace {

const std::vector<int> source_ids{4, 5, 2, 3, 2, 0}, source_lengths{3, 2}, target_ids{1, 4, 0, 1, 5, 3},
    target_lengths{2, 3}, next_ids{4, 2, 0, 5, 3, 2};
const Tokens source{source_ids, 2, 3, source_lengths}, target{target_ids, 2, 3, target_lengths};

enum class Fault { sign, factor, one_entry, missing, overwritten };
constexpr Fault all_faults[] = {Fault::sign, Fault::factor, Fault::one_entry, Fault::missing, Fault::overwritten};

/// A fault in one operation's backward: what it adds to one input is changed behind it.
struct Plant {
  Closure<double>* closure = nullptr;
  void (*right)(const Closure<double>*) = nullptr;
  Node<double>* input = nullptr;
  Fault fault = Fault::sign;
  bool changes_something = false;
  std::vector<double> added = {};  // by the right backward
  std::size_t largest = 0;         // of them
  Shape shape = {};                // of them; the tape and its nodes are gone when the check has ended
};
Plant plant;

void run_wrong(const Closure<double>* closure) {
  const auto size = static_cast<std::size_t>(plant.input->shape.size());
  std::vector<double> before(size);
  if (plant.input->written) std::copy_n(plant.input->gradient, size, before.begin());
  plant.right(closure);
  if (!plant.input->written) return;
  const bool is_first_run = plant.added.empty();
  plant.added.resize(size);
  for (std::size_t i = 0; i < size; ++i) plant.added[i] = plant.input->gradient[i] - before[i];
  const auto smaller = [](double a, double b) { return std::abs(a) < std::abs(b); };
  if (is_first_run)  // of two that are as large, it stays the same one, whatever rounding does to them later
    plant.largest = std::max_element(plant.added.begin(), plant.added.end(), smaller) - plant.added.begin();
  for (std::size_t i = 0; i < size; ++i) {
    const double added = plant.added[i];
    double& g = plant.input->gradient[i];
    const double was = g;
    switch (plant.fault) {
      case Fault::sign:
        g = before[i] - added;
        break;
      case Fault::factor:
        g = before[i] + 1.25 * added;
        break;
      case Fault::one_entry:
        if (i == plant.largest) g += 0.01 * added;
        break;
      case Fault::missing:
        g = before[i];
        break;
      case Fault::overwritten:
        g = added;
        break;
    }
    plant.changes_something = plant.changes_something || std::abs(g - was) > 1e-9;
  }
}

/// Whether this is the entry that the fault changes most: the only one, or one with the largest gradient. A gradient
/// that is overwritten is no single entry's fault.
bool is_to_blame(const std::vector<int>& index) {
  if (plant.fault == Fault::overwritten) return index.empty();
  if (static_cast<int>(index.size()) != plant.shape.rank()) return false;
  std::size_t entry = 0;
  for (int i = 0; i < plant.shape.rank(); ++i)
    entry = entry * static_cast<std::size_t>(plant.shape.dim(i)) +
            static_cast<std::size_t>(index[static_cast<std::size_t>(i)]);
  if (plant.fault == Fault::one_entry) return entry == plant.largest;
  return std::abs(plant.added.at(entry)) >= (1 - 1e-9) * std::abs(plant.added[plant.largest]);
}

/// The inputs whose gradients an operation may write, with their places among its inputs.
std::map<Node<double>*, int> inputs_of(const Closure<double>* closure) {
  std::map<Node<double>*, int> inputs;
  for (int o = 0; o < closure->output_count; ++o)
    for (int p = 0; p < closure->outputs[o]->parent_count; ++p)
      if (Node<double>* parent = closure->outputs[o]->parents[p]; parent->needs_gradient) inputs.emplace(parent, p);
  return inputs;
}

class Planted {
 public:
  explicit Planted(const ModelConfig& config) : in_double_(config), on_duals_(config) {}

  /// The check of the model, with a fault in input `input` of closure `number` (from the last), or none where that is
  /// negative. Returns false if there are not so many.
  bool check(int number, int input, Fault fault) {
    found = true;
    const auto loss = [&]<class S>(const Seq2Seq<S>& model, std::span<const Var<S>>) {
      Tape<S>::current().draws = {.seed = 7, .step = 4, .training = true};
      const Var<S> y = cross_entropy(model.logits(source, target), next_ids, {.ignore = 0, .divide_by = 5});
      if constexpr (std::is_same_v<S, double>) put(number, input, fault);
      return y;
    };
    result = gradcheck_operations(function_of_parameters(in_double_, on_duals_, 0, loss),
                                  inputs_for(in_double_.parameters(), 1), {.seed = 1});
    return found;
  }

  OperationCheckResult result;
  bool found = true;
  std::string operation, module, place;

 private:
  void put(int number, int input, Fault fault) {
    if (number < 0) return;
    Closure<double>* closure = Tape<double>::current().last_closure();
    for (int i = 0; i < number && closure != nullptr; ++i) closure = closure->previous;
    found = closure != nullptr;
    if (!found) return;
    const auto inputs = inputs_of(closure);
    found = input < static_cast<int>(inputs.size());
    if (!found) return;
    const auto [node, at] = *std::next(inputs.begin(), input);
    plant = {closure, closure->run, node, fault, false};
    plant.shape = node->shape;
    closure->run = run_wrong;
    operation = closure->outputs[0]->name;
    module = closure->outputs[0]->module == nullptr ? "" : closure->outputs[0]->module;
    place = fmt::format("input {}, ", at);
  }

  InScalar<double> in_double_;
  InScalar<DualDouble> on_duals_;
};

struct Count {
  int planted = 0, named = 0;
};
using Counts = std::map<std::string, Count>;  // by operation

void plant_everywhere(const ModelConfig& config, Counts& counts) {
  const std::string name = name_of(config);
  Planted planted(config);
  planted.check(-1, 0, Fault::sign);
  EXPECT_TRUE(planted.result.passed) << name << ": " << planted.result.message();
  const auto operations = planted.result.operations;
  for (int number = 0; number < operations; ++number)
    for (int input = 0;; ++input) {
      bool there_is_one = false;
      for (const Fault fault : all_faults) {
        there_is_one = planted.check(number, input, fault);
        if (!there_is_one) break;
        if (!plant.changes_something) {
          EXPECT_TRUE(planted.result.passed) << name << ": " << planted.result.message();
          continue;
        }
        Count& count = counts[planted.operation];
        ++count.planted;
        const bool is_named =
            planted.result.wrong.size() == 1 && planted.result.wrong[0].operation == planted.operation &&
            planted.result.wrong[0].module == planted.module &&
            planted.result.wrong[0].input.starts_with(planted.place) && is_to_blame(planted.result.wrong[0].index);
        count.named += is_named;
        EXPECT_TRUE(is_named) << name << ", fault " << static_cast<int>(fault) << " in " << planted.operation << " in "
                              << planted.module << ", " << planted.place << ": " << planted.result.message();
      }
      if (!there_is_one) break;
    }
}

TEST(OperationCheckSlow, NamesEveryPlantedFaultOfEveryModelAndAccusesNoOther) {
  Counts counts;
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre})
    plant_everywhere(TransformerConfig{.source_vocabulary = 6,
                                       .target_vocabulary = 7,
                                       .d_model = 4,
                                       .heads = 2,
                                       .layers = 1,
                                       .ff = 5,
                                       .dropout = 0.2,
                                       .attention_dropout = 0.2,
                                       .activation_dropout = 0.2,
                                       .norm = norm,
                                       .activation = norm == NormOrder::pre ? Activation::gelu : Activation::relu,
                                       .positions = norm == NormOrder::pre ? Positions::learned : Positions::sinusoidal,
                                       .tie_embeddings = norm == NormOrder::pre,
                                       .max_positions = 3},
                     counts);
  const auto rnn = [&](CellKind cell, std::optional<Score> attention) {
    plant_everywhere(RnnConfig{.source_vocabulary = 6,
                               .target_vocabulary = 7,
                               .embedding = 3,
                               .hidden = 4,
                               .cell = cell,
                               .attention = attention,
                               .dropout = 0.2},
                     counts);
  };
  rnn(CellKind::gru, {});
  rnn(CellKind::gru, Score::dot);
  rnn(CellKind::lstm, Score::scaled_dot);
  rnn(CellKind::elman, Score::additive);
  int all = 0;
  for (const auto& [operation, count] : counts) {
    EXPECT_EQ(count.named, count.planted) << operation;
    std::printf("%-24s %4d planted, %4d named\n", operation.c_str(), count.planted, count.named);
    all += count.planted;
  }
  std::printf("%zu operations: %d\n", counts.size(), all);
  EXPECT_GT(all, 1000);
  EXPECT_TRUE(counts.contains("dropout"));
}

TEST(OperationCheck, NamesTheOperationItsModuleTheInputAndTheEntry) {
  Planted planted(TransformerConfig{
      .source_vocabulary = 6, .target_vocabulary = 7, .d_model = 4, .heads = 2, .layers = 1, .ff = 5});
  for (int number = 0; planted.check(number, 0, Fault::factor); ++number) {
    if (planted.operation != "linear_relu") continue;
    const std::string message = planted.result.message();
    EXPECT_TRUE(message.starts_with("linear_relu in decoder.layers.0.feed_forward.inner: gradient of input "))
        << message;
    const WrongOperation& wrong = planted.result.wrong[0];
    EXPECT_TRUE(is_to_blame(wrong.index)) << message;
    EXPECT_NEAR(wrong.expected, plant.added[plant.largest], 1e-12);
    EXPECT_NEAR(wrong.got, 1.25 * plant.added[plant.largest], 1e-12);
    EXPECT_NE(message.find(fmt::format("at [{}]: got {:.12g}, expected {:.12g}", fmt::join(wrong.index, ", "),
                                       wrong.got, wrong.expected)),
              std::string::npos)
        << message;
    EXPECT_NE(message.find("1.25"), std::string::npos) << "the diagnosis says the factor: " << message;
    return;
  }
  FAIL() << "there is no linear_relu";
}

}  // namespace
}  // namespace qkv
