#include "qkv/datasets/encoded_pairs.h"

#include <fmt/format.h>
#include <limits>
#include <stdexcept>

namespace qkv {

void EncodedPairs::Side::add(const std::vector<std::string>& words, const Vocabulary& vocabulary) {
  for (const std::string& word : words) ids.push_back(vocabulary.id(word));
  begins.push_back(ids.size());
}

EncodedPairs::EncodedPairs(const std::vector<Pair>& pairs, const Vocabulary& source, const Vocabulary& target,
                           int max_length) {
  if (max_length < 0) {
    throw std::invalid_argument(fmt::format("encode pairs: the greatest length is {}; 0 means no limit", max_length));
  }
  if (pairs.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::invalid_argument(fmt::format("encode pairs: {} pairs are more than 32 bits can number", pairs.size()));
  }
  const auto limit = static_cast<std::size_t>(max_length);
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    const Pair& pair = pairs[row];
    if (pair.source.empty() || pair.target.empty()) {
      throw std::invalid_argument(
          fmt::format("encode pairs: the {} of pair {} has no words", pair.source.empty() ? "source" : "target", row));
    }
    if (limit > 0 && (pair.source.size() > limit || pair.target.size() > limit)) {
      ++left_out_;
      continue;
    }
    source_.add(pair.source, source);
    target_.add(pair.target, target);
    rows_.push_back(static_cast<std::int32_t>(row));
  }
}

}  // namespace qkv
