#include "qkv/datasets/encoded_pairs.h"

#include <utility>

#include "qkv/autograd/check.h"

namespace qkv {

void EncodedPairs::Side::add(const std::vector<std::string>& words, const Vocabulary& vocabulary) {
  for (const std::string& word : words) ids.push_back(vocabulary.id(word));
  begins.push_back(ids.size());
}

EncodedPairs::EncodedPairs(const std::vector<Pair>& pairs, const Vocabulary& source, const Vocabulary& target,
                           int max_length) {
  check(max_length >= 0, "encode pairs: the greatest length is {}; 0 means no limit", max_length);
  check(std::in_range<std::int32_t>(pairs.size()), "encode pairs: {} pairs are more than 32 bits can number",
        pairs.size());
  const auto limit = static_cast<std::size_t>(max_length);
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    const Pair& pair = pairs[row];
    check(!pair.source.empty() && !pair.target.empty(), "encode pairs: the {} of pair {} has no words",
          pair.source.empty() ? "source" : "target", row);
    if (limit > 0 && (pair.source.size() > limit || pair.target.size() > limit)) {
      ++left_out_;
      continue;
    }
    source_.add(pair.source, source);
    target_.add(pair.target, target);
    numbers_.push_back(static_cast<std::int32_t>(row));
  }
}

}  // namespace qkv
