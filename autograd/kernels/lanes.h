#pragma once

#include <Eigen/Core>
#include <algorithm>

namespace qkv {

/// As many numbers as one vector register of this machine holds. Eigen aligns its arrays to the registers that it
/// computes with, so the alignment tells their size; where Eigen aligns nothing, 16 bytes are assumed.
template <class T>
constexpr int register_width = std::max(EIGEN_MAX_STATIC_ALIGN_BYTES, 16) / static_cast<int>(sizeof(T));

/// Several numbers that are computed at once.
template <class T, int width>
using Lanes = Eigen::Array<T, width, 1>;

template <int width, class T>
Lanes<T, width> load(const T* from) {
  return Eigen::Map<const Lanes<T, width>>(from);
}

template <int width, class T>
void store(T* to, const Lanes<T, width>& lanes) {
  Eigen::Map<Lanes<T, width>>{to} = lanes;
}

}  // namespace qkv
