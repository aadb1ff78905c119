#include "qkv/translation/final_losses.h"

#include <algorithm>

namespace qkv {

std::vector<Pair> spread(const std::vector<Pair>& pairs, std::size_t count, int max_length) {
  const std::size_t most = max_length;
  std::vector<const Pair*> fitting;
  for (const Pair& pair : pairs)
    if (pair.source.size() <= most && pair.target.size() <= most) fitting.push_back(&pair);
  count = std::min(count, fitting.size());
  std::vector<Pair> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(*fitting[i * fitting.size() / count]);
  return chosen;
}

}  // namespace qkv
