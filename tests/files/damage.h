#pragma once

#include <string>
#include <string_view>

#include "qkv/autograd/random.h"

namespace qkv {

/// Changes a file's content near this place, as a fault on its way might: a byte is replaced, inserted or copied from
/// elsewhere, or some are lost. New bytes are those that mean something in JSON, or are no text at all.
inline void damage(std::string& content, std::size_t place, Random& random) {
  constexpr std::string_view likely("{}[],:\"0123456789-.eF64I32 \n\0\xff", 30);
  switch (random.below(4)) {
    case 0:
      content[place] = likely[random.below(likely.size())];
      break;
    case 1:
      content.insert(place, 1, likely[random.below(likely.size())]);
      break;
    case 2:
      content.erase(place, 1 + random.below(4));
      break;
    default:
      content.insert(place, content.substr(random.below(content.size()), random.below(60)));
      break;
  }
}

}  // namespace qkv
