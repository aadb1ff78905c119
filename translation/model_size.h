#pragma once

namespace qkv {

/// What a model takes, computed without making it. The numbers are exact up to 2⁵³.
struct ModelSize {
  double parameters = 0;  ///< numbers that are learnt
  double positions = 0;   ///< numbers in tables of sinusoids, which are not
  double tensors = 0;     ///< how many parameters with a name of their own
};

/// The multiplications, each with its addition, in the matrix products of one translation.
struct MultiplyAdds {
  double encoder = 0;  ///< for all source words, keys and values of the memory among that
  double decoder = 0;  ///< for all target words, one after the other, as translate() does
  double total() const { return encoder + decoder; }
};

/// The numbers in a linear layer, its bias among them.
inline double size_of_linear(double in, double out) { return in * out + out; }

}  // namespace qkv
