#pragma once

#include <string>

#include "qkv/translation/final_losses.h"

namespace qkv {

/// The losses of a trained model on training and validation sentences beside each other, as lines for people; where
/// they are far apart, with what may help.
std::string loss_gap(const FinalLosses& losses);

}  // namespace qkv
