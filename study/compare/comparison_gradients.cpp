#include "qkv/study/compare/comparison_gradients.h"

#include <cmath>
#include <optional>

#include "qkv/autograd/ops/cross_entropy.h"
#include "qkv/autograd/recording.h"

namespace qkv {
namespace {

/// The same sentence several times over, as one batch.
class Copies {
 public:
  Copies(const std::vector<int>& ids, int count)
      : count_(count), length_(static_cast<int>(ids.size())), lengths_(static_cast<std::size_t>(count), length_) {
    for (int copy = 0; copy < count; ++copy) ids_.insert(ids_.end(), ids.begin(), ids.end());
  }
  Tokens tokens() const { return {ids_, count_, length_, lengths_}; }

 private:
  int count_, length_;
  std::vector<int> ids_, lengths_;
};

/// Puts the parameters on the current tape as constants, but for the source's table of embeddings: a gradient flows to
/// what is looked up there and to nothing else.
template <class T>
Var<T> bind_source_table(const Parameters<T>& parameters) {
  Tape<T>& tape = Tape<T>::current();
  std::vector<Var<T>> vars;
  Var<T> table;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const auto& entry = parameters.entries()[i];
    const std::span<const T> values = parameters.values(i);
    const bool is_table = entry.name == "source_embedding.weight";
    vars.push_back(is_table ? tape.variable(entry.shape, values, entry.name.c_str())
                            : tape.constant(entry.shape, values, entry.name.c_str()));
    if (is_table) table = vars.back();
  }
  check(static_cast<bool>(table), "gradients: this model has no parameter source_embedding.weight");
  parameters.bind(std::span<const Var<T>>(vars));
  return table;
}

/// What was looked up in the table, its gradient kept.
template <class T>
Var<T> looked_up(const Tape<T>& tape, Var<T> table) {
  for (Node<T>* node = tape.last_node(); node != nullptr; node = node->previous)
    for (std::int32_t i = 0; i < node->parent_count; ++i)
      if (node->parents[i] == table.node()) return Var<T>(node).retain();
  throw std::invalid_argument("gradients: the model does not look at its source_embedding.weight");
}

/// Adds up the squares of each word's gradient, [copies · S, E] → [S], over the copies or the one of them.
template <class T>
std::vector<double> squares_by_word(Var<T> embedded, int words, std::optional<int> copy = {}) {
  std::vector<double> squares(static_cast<std::size_t>(words), 0.0);
  const View<T> gradient = embedded.grad();
  for (int row = 0; row < gradient.rows; ++row) {
    if (copy && row / words != *copy) continue;
    for (int j = 0; j < gradient.columns; ++j) {
      const auto g = static_cast<double>(gradient.row(row)[j]);
      squares[row % words] += g * g;
    }
  }
  return squares;
}

void append_roots(NormMatrix& matrix, const std::vector<double>& squares) {
  for (const double square : squares) matrix.norms.push_back(std::sqrt(square));
  ++matrix.rows;
}

/// ‖∂(row j of the outputs)/∂eᵢ‖: as many copies of the sentence as the outputs have features, so that one backward
/// pass gives all rows of the Jacobian of output j, copy c that of feature c.
/// outputs(source, target) puts them on the current tape, [copies, rows, C].
template <class T, class Outputs>
NormMatrix jacobian_norms(const Seq2Seq<T>& model, const IdPair& pair, const Outputs& outputs) {
  const int features = [&] {
    Tape<T> tape;
    const Recording<T> recording(tape);
    return outputs(OneSequence(pair.source), OneSequence(pair.target)).last();
  }();
  const Copies source(pair.source, features), target(pair.target, features);
  Tape<T> tape;
  const Recording<T> recording(tape);
  const Var<T> table = bind_source_table(model.parameters());
  const Var<T> y = outputs(source.tokens(), target.tokens());
  const Var<T> embedded = looked_up(tape, table);
  const int words = static_cast<int>(pair.source.size()), rows = y.dim(1);
  NormMatrix matrix{0, words, {}};
  std::vector<T> seed(static_cast<std::size_t>(y.size()), T(0));
  for (int j = 0; j < rows; ++j) {
    for (int copy = 0; copy < features; ++copy) {
      const auto at = [&](int row) { return static_cast<std::size_t>((copy * rows + row) * features + copy); };
      if (j > 0) seed[at(j - 1)] = T(0);
      seed[at(j)] = T(1);
    }
    tape.backward(y, seed);
    append_roots(matrix, squares_by_word(embedded, words));
    tape.clear_gradients();
  }
  return matrix;
}

}  // namespace

IdPair ids_of(const Pair& pair, const Vocabulary& source, const Vocabulary& target) {
  return {source.encode_with_eos(pair.source), target.encode_with_bos(pair.target),
          target.encode_with_eos(pair.target)};
}

template <class T>
NormMatrix loss_gradient_norms(const Seq2Seq<T>& model, const IdPair& pair) {
  Tape<T> tape;
  const Recording<T> recording(tape);
  const Var<T> table = bind_source_table(model.parameters());
  const Var<T> loss = cross_entropy(model.logits(OneSequence(pair.source), OneSequence(pair.target)), pair.predicted);
  const Var<T> embedded = looked_up(tape, table);
  tape.backward(loss);
  const int words = static_cast<int>(pair.source.size());
  NormMatrix matrix{0, words, {}};
  append_roots(matrix, squares_by_word(embedded, words));
  return matrix;
}

template <class T>
NormMatrix word_loss_gradient_norms(const Seq2Seq<T>& model, const IdPair& pair) {
  Tape<T> tape;
  const Recording<T> recording(tape);
  const Var<T> table = bind_source_table(model.parameters());
  const int words = static_cast<int>(pair.source.size()), tokens = static_cast<int>(pair.target.size());
  const Copies source(pair.source, tokens), target(pair.target, tokens);
  // Copy t has the loss of token t: in all other places there is nothing to predict.
  std::vector<int> predicted(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(tokens), pad_id);
  for (std::size_t t = 0; t < pair.predicted.size(); ++t) predicted[t * pair.predicted.size() + t] = pair.predicted[t];
  const Var<T> loss =
      cross_entropy(model.logits(source.tokens(), target.tokens()), predicted, {.ignore = pad_id, .divide_by = 1});
  const Var<T> embedded = looked_up(tape, table);
  tape.backward(loss);
  NormMatrix matrix{0, words, {}};
  for (int t = 0; t < tokens; ++t) append_roots(matrix, squares_by_word(embedded, words, t));
  return matrix;
}

template <class T>
NormMatrix encoder_jacobian_norms(const Seq2Seq<T>& model, const IdPair& pair) {
  return jacobian_norms(model, pair, [&](const Tokens& source, const Tokens&) { return model.encode(source); });
}

template <class T>
NormMatrix decoder_jacobian_norms(const Seq2Seq<T>& model, const IdPair& pair) {
  return jacobian_norms(model, pair, [&](const Tokens& source, const Tokens& target) {
    const Var<T> logits = model.logits(source, target);
    return Var<T>(logits.node()->parents[0]);  // logits = linear(x, W, b) of the generator
  });
}

template NormMatrix loss_gradient_norms<float>(const Seq2Seq<float>&, const IdPair&);
template NormMatrix loss_gradient_norms<double>(const Seq2Seq<double>&, const IdPair&);
template NormMatrix word_loss_gradient_norms<float>(const Seq2Seq<float>&, const IdPair&);
template NormMatrix word_loss_gradient_norms<double>(const Seq2Seq<double>&, const IdPair&);
template NormMatrix encoder_jacobian_norms<float>(const Seq2Seq<float>&, const IdPair&);
template NormMatrix encoder_jacobian_norms<double>(const Seq2Seq<double>&, const IdPair&);
template NormMatrix decoder_jacobian_norms<float>(const Seq2Seq<float>&, const IdPair&);
template NormMatrix decoder_jacobian_norms<double>(const Seq2Seq<double>&, const IdPair&);

}  // namespace qkv
