// A decoder-only Transformer learns a text, character by character, and goes on with it.
#include <cmath>
#include <fmt/format.h>

#include "qkv/qkv.h"

using namespace qkv;

constexpr int length = 48, batch = 16, steps = 1000;

template <class T>
struct LanguageModel {
  LanguageModel(const Path<T>& path, int vocabulary)
      : embedding(path / "embedding", vocabulary, 64),
        positions(path / "positions", Positions::sinusoidal, length, 64),
        layers(path, {.d_model = 64, .heads = 4, .layers = 2, .ff = 256, .dropout = 0.1, .norm = NormOrder::pre}),
        generator(path / "generator", 64, vocabulary) {}
  Var<T> operator()(const Tokens& text) const {  // the logits of what follows each character
    return generator(layers(positions(embedding(text)), Mask::causal()));
  }
  Embedding<T> embedding;
  PositionalEncoding<T> positions;
  TransformerEncoder<T> layers;
  Linear<T> generator;
};

int main(int count, char** arguments) try {
  const std::u32string text = code_points(read_file(count > 1 ? arguments[1] : "examples/own_language_model/text.txt"));
  std::u32string letters = text;  // each that occurs, once: its place is its number
  std::sort(letters.begin(), letters.end());
  letters.erase(std::unique(letters.begin(), letters.end()), letters.end());
  std::vector<int> ids;
  for (char32_t letter : text) ids.push_back(static_cast<int>(letters.find(letter)));
  if (ids.size() <= length) throw std::runtime_error(fmt::format("the text needs more than {} characters", length));

  Model<LanguageModel, float> model(1, static_cast<int>(letters.size()));
  Learner learner(model.parameters(), {.workers = 2});
  AdamW adam(model.parameters());
  const Schedule schedule{.kind = ScheduleKind::cosine, .rate = 3e-3, .warmup = 40, .total = steps};
  Random random(1);
  for (int step = 1; step <= steps; ++step) {
    std::vector<int> inputs, targets;  // [batch, length]: parts of the text, and the same one character later
    for (int i = 0; i < batch; ++i) {
      const auto from = ids.begin() + static_cast<std::ptrdiff_t>(random.below(ids.size() - length));
      inputs.insert(inputs.end(), from, from + length);
      targets.insert(targets.end(), from + 1, from + 1 + length);
    }
    const double loss = learner.differentiate(batch, [&](Shard shard) {
      const Tokens part{shard.of(std::span<const int>(inputs), length), shard.count, length, {}};
      return cross_entropy(model(part), shard.of(std::span<const int>(targets), length));
    });
    learner.clip(1.0);
    adam.step(learner.gradient(), schedule(step));
    if (step % 100 == 0) fmt::print(stderr, "step {:>4} of {}  loss {:.3f} per character\n", step, steps, loss);
  }
  save("own_language_model.safetensors", model.parameters());
  load("own_language_model.safetensors", model.parameters());

  constexpr double temperature = 0.5;  // below 1 prefers the likely characters, near 0 takes the likeliest
  std::vector<int> written(ids.begin(), ids.begin() + length / 2);
  while (written.size() < 300) {
    const std::span<const int> last = std::span<const int>(written).last(std::min<std::size_t>(written.size(), length));
    const auto logits = values_of<float>([&] { return model(Tokens{last, 1, static_cast<int>(last.size()), {}}); });
    std::vector<double> chances(letters.size());
    for (std::size_t i = 0; i < chances.size(); ++i)
      chances[i] = std::exp(logits[logits.size() - letters.size() + i] / temperature);
    written.push_back(random.choose(chances));
  }
  std::string shown;
  for (int id : written) append_utf8(shown, letters[static_cast<std::size_t>(id)]);
  fmt::print("{}\n", shown);
} catch (const std::exception& error) {
  fmt::print(stderr, "own_language_model: {}\n", error.what());
  return 1;
}
