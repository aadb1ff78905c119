// What training does to embeddings: words that are used alike get vectors that point in like directions.
// word_vectors [RUN]: draws the cosines between the English words of a trained model of docs/checkpoint.

#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "qkv/datasets/vocabulary.h"
#include "qkv/files/safetensors.h"
#include "qkv/study/shaded_matrix.h"

using namespace qkv;

double product(const float* a, const float* b, int features) {
  double sum = 0;
  for (int i = 0; i < features; ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

int main(int count, char** arguments) try {
  const std::string run = count > 1 ? arguments[1] : "docs/checkpoint/transformer";
  const std::vector<std::string> words{"see", "buy",   "draw", "find", "book",  "house", "tree", "picture",
                                       "big", "small", "new",  "Yuna", "Minsu", "we",    "I"};
  const std::vector<int> ids = Vocabulary::load(run + "/target.vocab").encode(words);
  const SafetensorsFile file = SafetensorsFile::read(run + "/model.safetensors");
  const StoredTensor& table = file.tensor("target_embedding.weight");  // [words, features]
  const std::vector<float> numbers = table.as<float>();
  const int features = static_cast<int>(table.shape[1]);

  std::vector<float> cosines;
  for (const int i : ids)
    for (const int j : ids) {
      const float *a = numbers.data() + i * features, *b = numbers.data() + j * features;
      const double cosine = product(a, b, features) / std::sqrt(product(a, a, features) * product(b, b, features));
      cosines.push_back(static_cast<float>(std::clamp(cosine, 0.0, 1.0)));  // shades have no sign
    }
  fmt::print("{}", shaded_matrix(words, words, cosines, {.digits = true, .width = 90}));
} catch (const std::exception& error) {
  fmt::print(stderr, "word_vectors: {}\n", error.what());
  return 1;
}
