#include "qkv/study/compare/comparison_cost.h"

#include <chrono>

#include "qkv/autograd/check.h"
#include "qkv/translation/decoding.h"

namespace qkv {

MultiplyAdds multiply_adds(const ModelConfig& config, int source_tokens, int target_tokens) {
  check(source_tokens >= 1 && target_tokens >= 1, "multiply_adds: {} source and {} target tokens; both need `<eos>`",
        source_tokens, target_tokens);
  return std::visit([&](const auto& model) { return model.multiply_adds(source_tokens, target_tokens); }, config);
}

CostRow cost_of(const TrainedModel& trained, const std::vector<Pair>& pairs, const std::string& length) {
  using Clock = std::chrono::steady_clock;
  check(!pairs.empty(), "cost_of: there are no sentences");
  const ModelConfig config = model_for(trained.config, trained.source.size(), trained.target.size());
  const auto translate_one = [&](const Pair& pair) {
    const std::vector<int> ids = trained.source.encode_with_eos(pair.source);
    return translate(*trained.model, OneSequence(ids), most_words(static_cast<int>(pair.source.size())));
  };
  translate_one(pairs.front());  // what the first use makes is not measured
  CostRow row;
  row.length = length;
  row.n = pairs.size();
  std::vector<double> microseconds;
  double target_tokens = 0;
  for (const Pair& pair : pairs) {
    const auto start = Clock::now();
    const Translation translation = translate_one(pair);
    const std::chrono::duration<double, std::micro> taken = Clock::now() - start;
    microseconds.push_back(taken.count() / static_cast<double>(translation.words.size() + 1));
    const MultiplyAdds count =
        multiply_adds(config, static_cast<int>(pair.source.size()) + 1, static_cast<int>(pair.target.size()) + 1);
    row.source_words += static_cast<double>(pair.source.size()) / static_cast<double>(pairs.size());
    row.target_words += static_cast<double>(pair.target.size()) / static_cast<double>(pairs.size());
    row.multiply_adds += count.total();
    row.encoder_multiply_adds += count.encoder;
    target_tokens += static_cast<double>(pair.target.size() + 1);
  }
  row.multiply_adds /= target_tokens;
  row.encoder_multiply_adds /= target_tokens;
  row.microseconds = median_interval(microseconds);
  return row;
}

}  // namespace qkv
