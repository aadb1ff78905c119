#pragma once

#include <gtest/gtest.h>

#include "tests/translation/small_transformer.h"

namespace qkv {

/// Four sentences of different lengths, one of `<eos>` alone, for models with 11 source and 13 target words.
struct DecodedSentences {
  std::vector<std::vector<int>> sources{{4, 5, 6, 7, 8, 2}, {9, 2}, {10, 4, 2}, {2}};
  std::vector<std::vector<int>> targets{{1, 4, 5}, {1, 6, 7, 8, 9, 10}, {1, 11, 12, 4, 5}, {1, 5, 5, 5}};
};

/// The next words' logits of one row of a decoder's batch.
template <class T>
std::vector<T> row_of(Var<T> logits, int row) {
  const T* from = logits.rows().row_block(row, 1).data;
  return {from, from + logits.last()};
}

/// The logits after all words of the target, by the full forward pass.
template <class T>
std::vector<T> full_logits(const Seq2Seq<T>& model, const std::vector<int>& source, const std::vector<int>& target) {
  const std::vector<T> all = logits_of(model, Sentences{source}, Sentences{target});
  return {all.end() - 13, all.end()};
}

/// Word after word, the logits are those of one pass over all words, as in training.
template <class T>
void expect_each_step_to_be_a_row_of_one_pass(const Seq2Seq<T>& model) {
  const DecodedSentences sentences;
  const Sentences source(sentences.sources), target(sentences.targets);
  const std::vector<T> all = logits_of(model, source, target);  // [4, 6, 13]
  Tape<T> tape;
  const Recording recording(tape);
  const auto decoding = model.decode(source.tokens(), 6);
  tape.rewind();
  for (std::size_t i = 0; i < 6; ++i) {
    const Var<T> logits = decoding->next(target.words(static_cast<int>(i)));
    ASSERT_EQ(logits.shape(), Shape({4, 1, 13}));
    EXPECT_FALSE(logits.node()->needs_gradient);
    for (std::size_t b = 0; b < sentences.targets.size(); ++b) {
      if (i >= sentences.targets[b].size()) continue;
      const auto row = all.begin() + static_cast<std::ptrdiff_t>((b * 6 + i) * 13);
      EXPECT_LE(largest_difference(row_of(logits, static_cast<int>(b)), std::vector<T>(row, row + 13)), rounding<T>)
          << "sentence " << b << ", word " << i;
    }
    tape.rewind();  // the state lies outside the tape
  }
}

/// Sentences can be dropped, reordered and repeated between the words; copies of a sentence then go different ways.
template <class T>
void expect_select_to_drop_reorder_and_repeat(const Seq2Seq<T>& model) {
  const DecodedSentences sentences;
  Tape<T> tape;
  const Recording recording(tape);
  const Sentences source(sentences.sources);
  const auto decoding = model.decode(source.tokens(), 6);
  tape.rewind();
  std::vector<std::size_t> sentence{0, 1, 2, 3};  // of each row
  std::vector<std::vector<int>> read(4);          // by each row
  const std::vector<std::vector<int>> selections{{3, 1, 1, 0}, {2, 0, 1}, {1, 1, 1, 2}, {0}, {}};
  for (std::size_t step = 0; step < selections.size(); ++step) {
    std::vector<int> words;
    for (std::size_t row = 0; row < sentence.size(); ++row) {
      words.push_back(step == 0 ? 1 : 4 + static_cast<int>(3 * step + row) % 9);
      read[row].push_back(words.back());
    }
    const Var<T> logits = decoding->next(words);
    for (std::size_t row = 0; row < sentence.size(); ++row)
      EXPECT_LE(largest_difference(row_of(logits, static_cast<int>(row)),
                                   full_logits(model, sentences.sources[sentence[row]], read[row])),
                rounding<T>)
          << "step " << step << ", row " << row;
    tape.rewind();
    decoding->select(selections[step]);
    std::vector<std::size_t> next_sentence;
    std::vector<std::vector<int>> next_read;
    for (const int row : selections[step]) {
      next_sentence.push_back(sentence[static_cast<std::size_t>(row)]);
      next_read.push_back(read[static_cast<std::size_t>(row)]);
    }
    sentence = next_sentence;
    read = next_read;
  }
}

/// How many numbers the operations on the tape computed. A number costs as many multiplications as its layer is wide,
/// however many words there are: so does a weight of the attention, and those of masked words, which are 0, cost none.
template <class T>
std::int64_t computed_numbers(const Tape<T>& tape) {
  std::int64_t count = 0;
  for (const Node<T>* node = tape.last_node(); node != nullptr; node = node->previous) {
    if (node->is_leaf) continue;
    const std::int64_t size = node->shape.size();
    const std::string_view name = node->name;
    count += name == "attention_weights" || name == "softmax" ? size - std::count(node->value, node->value + size, T(0))
                                                              : size;
  }
  return count;
}

/// What each of the first words costs the decoder, in numbers that it computes.
template <class T>
std::vector<std::int64_t> costs_of_words(const Seq2Seq<T>& model, int words) {
  const DecodedSentences sentences;
  const Sentences source(sentences.sources);
  Tape<T> tape;
  const Recording recording(tape);
  const auto decoding = model.decode(source.tokens(), words);
  std::vector<std::int64_t> costs;
  for (int i = 0; i < words; ++i) {
    tape.rewind();
    decoding->next(std::vector<int>(sentences.sources.size(), 4 + i % 9));
    costs.push_back(computed_numbers(tape));
  }
  return costs;
}

}  // namespace qkv
