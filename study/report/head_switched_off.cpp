#include "qkv/study/report/head_switched_off.h"

#include <algorithm>
#include <optional>

#include "qkv/autograd/attention_record.h"
#include "qkv/autograd/check.h"
#include "qkv/datasets/vocabulary.h"

namespace qkv {
namespace {

/// The columns of a parameter W that meet a value x in W [x; …].
struct Columns {
  std::size_t parameter = 0;
  int first = 0;
};

/// The first operation on the tape that reads this value; nullptr if none does.
const Node<float>* reader_of(const Tape<float>& tape, const Node<float>* value) {
  const Node<float>* first = nullptr;
  for (const Node<float>* node = tape.last_node(); node != value; node = node->previous)
    if (std::ranges::count(std::span(node->parents, static_cast<std::size_t>(node->parent_count)), value) > 0)
      first = node;
  return first;
}

/// The matrix among what an operation was computed from that is a parameter.
std::optional<std::size_t> matrix_of(const Node<float>& operation, const Parameters<float>& parameters) {
  for (std::size_t i = 0; i < parameters.entries().size(); ++i)
    for (int parent = 0; parent < operation.parent_count; ++parent)
      if (parameters.entries()[i].shape.rank() == 2 && operation.parents[parent] == parameters.bound(i).node())
        return i;
  return {};
}

/// Follows a value, which may be joined with others, to the first product with a parameter.
Columns columns_that_meet(const Tape<float>& tape, const Parameters<float>& parameters,
                          const AttentionRecord<float>& of) {
  int first = 0;
  const Node<float>* value = of.output.node();
  while (const Node<float>* reader = reader_of(tape, value)) {
    if (const auto matrix = matrix_of(*reader, parameters)) return {*matrix, first};
    int joined = 0;
    for (int parent = 0; parent < reader->parent_count; ++parent) {
      if (reader->parents[parent] == value) first += joined;
      joined += reader->parents[parent]->shape.last();
    }
    check(joined == reader->shape.last(), "{}: {} reads what the heads found, and is neither a product nor joins it",
          of.layer, reader->name);
    value = reader;
  }
  throw std::invalid_argument(fmt::format("{}: nothing reads what the heads found", of.layer));
}

/// The first that this layer left on the tape.
const AttentionRecord<float>& attention_on(const Tape<float>& tape, const std::string& layer) {
  const AttentionRecord<float>* first = nullptr;
  for (const AttentionRecord<float>* record = tape.last_attention(); record != nullptr; record = record->previous)
    if (record->layer == layer) first = record;
  check(first != nullptr, "this model has no attention {}", layer);
  return *first;
}

}  // namespace

HeadSwitchedOff::HeadSwitchedOff(Seq2Seq<float>& model, const std::string& attention, int head) {
  Parameters<float>& parameters = model.parameters();
  Block<float> gradients(parameters.size());
  Tape<float> tape;
  const Recording recording(tape);  // with what was computed from what, which is not recorded under NoGrad
  parameters.bind(gradients.span());
  const int end = eos_id, begin = bos_id;
  model.logits(OneSequence(std::span(&end, 1)), OneSequence(std::span(&begin, 1)));
  const AttentionRecord<float>& record = attention_on(tape, attention);
  check(head >= 0 && head < record.heads, "head {} of {} does not exist in {}", head, record.heads, attention);
  const Columns columns = columns_that_meet(tape, parameters, record);
  const int width = record.output.last() / record.heads;
  const Shape& shape = parameters.entries()[columns.parameter].shape;
  weight_ = parameters.values(columns.parameter);
  before_.assign(weight_.begin(), weight_.end());
  for (int row = 0; row < shape.rows(); ++row)
    std::fill_n(weight_.begin() + std::ptrdiff_t{row} * shape.last() + columns.first + head * width, width, 0.0F);
}

HeadSwitchedOff::~HeadSwitchedOff() { std::copy(before_.begin(), before_.end(), weight_.begin()); }

}  // namespace qkv
