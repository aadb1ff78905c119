#include "qkv/autograd/gradcheck/operation_check.h"

#include <cmath>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "qkv/autograd/ops/cross_entropy.h"
#include "qkv/layers/gradcheck_model.h"
#include "qkv/translation/rnn_seq2seq.h"
#include "qkv/translation/transformer.h"

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
};
Plant plant;

void run_wrong(const Closure<double>* closure) {
  const auto size = static_cast<std::size_t>(plant.input->shape.size());
  std::vector<double> before(size);
  if (plant.input->written) std::copy_n(plant.input->gradient, size, before.begin());
  plant.right(closure);
  if (!plant.input->written) return;
  std::size_t largest = 0;
  const auto added = [&](std::size_t i) { return plant.input->gradient[i] - before[i]; };
  for (std::size_t i = 0; i < size; ++i)
    if (std::abs(added(i)) > std::abs(added(largest))) largest = i;
  for (std::size_t i = 0; i < size; ++i) {
    double& g = plant.input->gradient[i];
    const double was = g;
    switch (plant.fault) {
      case Fault::sign:
        g = before[i] - added(i);
        break;
      case Fault::factor:
        g = before[i] + 1.25 * added(i);
        break;
      case Fault::one_entry:
        if (i == largest) g += 0.01 * added(i);
        break;
      case Fault::missing:
        g = before[i];
        break;
      case Fault::overwritten:
        g = added(i);
        break;
    }
    plant.changes_something = plant.changes_something || std::abs(g - was) > 1e-9;
  }
}

/// The inputs whose gradients an operation may write, with their places among its inputs.
std::map<Node<double>*, int> inputs_of(const Closure<double>* closure) {
  std::map<Node<double>*, int> inputs;
  for (int o = 0; o < closure->output_count; ++o)
    for (int p = 0; p < closure->outputs[o]->parent_count; ++p)
      if (Node<double>* parent = closure->outputs[o]->parents[p]; parent->needs_gradient) inputs.emplace(parent, p);
  return inputs;
}

template <template <class> class Model, class Config>
class Planted {
 public:
  explicit Planted(const Config& config) : in_double_(config), on_duals_(config) {}

  /// The check of the model, with a fault in input `input` of closure `number` (from the last), or none where that is
  /// negative. Returns false if there are not so many.
  bool check(int number, int input, Fault fault) {
    found = true;
    const auto function = [&]<class S>(std::span<const Var<S>> x) {
      Tape<S>::current().draws = {.seed = 7, .step = 4, .training = true};
      auto& model = [&]() -> auto& {
        if constexpr (std::is_same_v<S, double>)
          return in_double_;
        else
          return on_duals_;
      }
      ();
      model.parameters().bind(x);
      const Var<S> loss = cross_entropy(model.logits(source, target), next_ids, {.ignore = 0, .divide_by = 5});
      if constexpr (std::is_same_v<S, double>) put(number, input, fault);
      return loss;
    };
    result = gradcheck_operations(function, inputs_for(in_double_.parameters(), 1), {.seed = 1});
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
    closure->run = run_wrong;
    operation = closure->outputs[0]->name;
    module = closure->outputs[0]->module == nullptr ? "" : closure->outputs[0]->module;
    place = fmt::format("input {}, ", at);
  }

  Model<double> in_double_;
  Model<DualDouble> on_duals_;
};

struct Counts {
  std::set<std::string> operations;
  int planted = 0, named = 0;
};

template <template <class> class Model, class Config>
void plant_everywhere(const std::string& name, const Config& config, Counts& counts) {
  Planted<Model, Config> planted(config);
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
        ++counts.planted;
        counts.operations.insert(planted.operation);
        const bool is_named = planted.result.wrong.size() == 1 &&
                              planted.result.wrong[0].operation == planted.operation &&
                              planted.result.wrong[0].module == planted.module &&
                              planted.result.wrong[0].input.starts_with(planted.place);
        counts.named += is_named;
        EXPECT_TRUE(is_named) << name << ", fault " << static_cast<int>(fault) << " in " << planted.operation << " in "
                              << planted.module << ", " << planted.place << ": " << planted.result.message();
      }
      if (!there_is_one) break;
    }
}

TEST(OperationCheckSlow, NamesEveryPlantedFaultOfEveryModelAndAccusesNoOther) {
  Counts counts;
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre})
    plant_everywhere<Transformer>(
        "Transformer",
        TransformerConfig{.source_words = 6,
                          .target_words = 7,
                          .d_model = 4,
                          .heads = 2,
                          .layers = 1,
                          .ff = 5,
                          .dropout = 0.2,
                          .norm = norm,
                          .activation = norm == NormOrder::pre ? Activation::gelu : Activation::relu,
                          .positions = norm == NormOrder::pre ? Positions::learned : Positions::sinusoidal,
                          .tie_embeddings = norm == NormOrder::pre,
                          .max_positions = 3},
        counts);
  const auto rnn = [&](CellKind cell, std::optional<Score> attention) {
    plant_everywhere<RnnSeq2Seq>(
        "RnnSeq2Seq",
        RnnConfig{
            .source_words = 6, .target_words = 7, .embedding = 3, .hidden = 4, .cell = cell, .attention = attention},
        counts);
  };
  rnn(CellKind::gru, {});
  rnn(CellKind::gru, Score::dot);
  rnn(CellKind::lstm, Score::scaled_dot);
  rnn(CellKind::elman, Score::additive);
  EXPECT_EQ(counts.named, counts.planted);
  EXPECT_GT(counts.planted, 1000);
  RecordProperty("planted", counts.planted);
  RecordProperty("operations", fmt::format("{}: {}", counts.operations.size(), fmt::join(counts.operations, " ")));
  std::printf("%d faults in %zu operations (%s): %d named\n", counts.planted, counts.operations.size(),
              fmt::format("{}", fmt::join(counts.operations, ", ")).c_str(), counts.named);
}

TEST(OperationCheck, NamesTheOperationItsModuleTheInputAndTheEntry) {
  Planted<Transformer, TransformerConfig> planted(
      {.source_words = 6, .target_words = 7, .d_model = 4, .heads = 2, .layers = 1, .ff = 5});
  for (int number = 0; planted.check(number, 0, Fault::factor); ++number) {
    if (planted.operation != "linear_relu") continue;
    const std::string message = planted.result.message();
    EXPECT_TRUE(message.starts_with("linear_relu in decoder.layers.0.feed_forward.inner: gradient of input "))
        << message;
    EXPECT_NE(message.find(": got "), std::string::npos) << message;
    EXPECT_NE(message.find("1.25"), std::string::npos) << "the diagnosis says the factor: " << message;
    return;
  }
  FAIL() << "there is no linear_relu";
}

}  // namespace
}  // namespace qkv
