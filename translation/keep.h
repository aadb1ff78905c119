#pragma once

#include "qkv/autograd/named.h"

namespace qkv {

/// Which score on the validation set chooses the model that is kept, and counts for patience; the other one decides
/// between equals.
enum class Keep { bleu, loss };
constexpr std::array<Named<Keep>, 2> names_of(Keep) { return {{{Keep::bleu, "bleu"}, {Keep::loss, "loss"}}}; }

}  // namespace qkv
