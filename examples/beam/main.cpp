// Where taking the likeliest word at each step goes wrong, and a beam of two does not.

#include <cmath>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "qkv/autograd/ops.h"
#include "qkv/translation/decoding.h"

using namespace qkv;

/// The words, and the probability of each after each: rows are the last word, columns the next.
const std::vector<std::string> names{"<pad>", "<bos>", "<eos>", "<unk>", "a", "the", "cat", "dog"};
const std::vector<double> next_word{                                   // pad bos  eos  unk   a    the  cat  dog
                                    0, 0, 1.0, 0, 0,   0,   0,   0,    // after <pad>: never read
                                    0, 0, 0.0, 0, 0.6, 0.4, 0,   0,    // after <bos>: "a" is likelier than "the"
                                    0, 0, 1.0, 0, 0,   0,   0,   0,    // after <eos>: never read
                                    0, 0, 1.0, 0, 0,   0,   0,   0,    // after <unk>: never read
                                    0, 0, 0.0, 0, 0,   0,   0.5, 0.5,  // after "a": undecided
                                    0, 0, 0.0, 0, 0,   0,   0.9, 0.1,  // after "the": almost certainly "cat"
                                    0, 0, 1.0, 0, 0,   0,   0,   0,    // after "cat": the end
                                    0, 0, 1.0, 0, 0,   0,   0,   0};   // after "dog": the end

/// A model that looks at the last word only. Decoding works with any model that has these functions.
class NextWordTable : public Seq2Seq<double> {
 public:
  Var<double> logits(const Tokens&, const Tokens& target) const override {
    std::vector<double> log_probabilities;
    for (const double p : next_word) log_probabilities.push_back(std::log(std::max(p, 1e-9)));
    const Var<double> table = Tape<double>::current().constant({8, 8}, log_probabilities);
    return embedding(table, target.ids, target.shape());
  }
  std::unique_ptr<Decoding<double>> decode(const Tokens&, int) const override {
    return std::make_unique<LastWord>(*this);
  }

 private:
  class LastWord : public Decoding<double> {
   public:
    explicit LastWord(const NextWordTable& model) : model_(model) {}
    Var<double> next(std::span<const int> words) override {
      return model_.logits({}, {words, static_cast<int>(words.size()), 1, {}});
    }
    void select(std::span<const int>) override {}  // nothing is remembered

   private:
    const NextWordTable& model_;
  };
};

/// Prints every continuation of a sentence as a tree, with the probability up to each word.
void print_tree(int last, double probability, const std::string& stem) {
  const double* row = next_word.data() + 8 * last;
  std::vector<int> words;
  for (int word = 0; word < 8; ++word)
    if (row[word] > 0 && word != eos_id) words.push_back(word);
  for (const int word : words) {
    const bool is_last = word == words.back();
    const std::string branch =
        fmt::format("{}{} {:.1f} {}", stem, is_last ? "└─" : "├─", row[word], names[static_cast<std::size_t>(word)]);
    fmt::print("{:<20} {:.2f}\n", branch, probability * row[word]);
    print_tree(word, probability * row[word], stem + (is_last ? "   " : "│  "));
  }
}

int main() {
  fmt::print("<bos>\n");
  print_tree(bos_id, 1, "");
  fmt::print("\n");
  const NextWordTable model;
  const int source_id = eos_id;
  const OneSequence source(std::span(&source_id, 1));
  for (const int beam : {1, 2, 3}) {
    const Translation best = translate<double>(model, source, 5, {.beam = beam, .length_penalty = 0});
    std::string words;
    for (const int id : best.words) words += names[static_cast<std::size_t>(id)] + " ";
    fmt::print("beam {}: {:<8} probability {:.2f}\n", beam, words, std::exp(best.log_probability));
  }
}
