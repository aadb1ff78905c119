#include "qkv/translation/training_pairs.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

#include "qkv/datasets/batches.h"
#include "qkv/files/message.h"

namespace qkv {

EncodedPairs training_pairs(const std::vector<Pair>& pairs, const Vocabulary& source, const Vocabulary& target,
                            const TrainingConfig& config, const std::string& token,
                            const std::function<void(const std::string&)>& tell) {
  EncodedPairs encoded(pairs, source, target, config.max_length);
  const std::size_t all = pairs.size();
  if (encoded.size() == 0)
    throw std::invalid_argument(fmt::format(
        "{} longer than `max_length` {}",
        all == 1 ? "the only training pair is" : fmt::format("all {} training pairs are", all), config.max_length));
  if (encoded.left_out() > 0)
    tell(fmt::format("{0} of {1} {2} longer than {3} and {2} left out", encoded.left_out(),
                     counted(all, "training pair"), encoded.left_out() == 1 ? "is" : "are",
                     counted(config.max_length, token)));
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < encoded.size(); ++i) longest = std::max(longest, longer_side(encoded, i));
  if (config.batch_words > 0 && longest > config.batch_words)
    throw std::invalid_argument(
        fmt::format("a training pair has {} on its longer side, <eos> counted, but `batch_words` is {}; give "
                    "more, or a smaller `max_length`, which leaves such pairs out",
                    counted(longest, token), config.batch_words));
  return encoded;
}

}  // namespace qkv
