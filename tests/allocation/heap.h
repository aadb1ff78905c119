#pragma once

#include <cstddef>

namespace qkv {

/// How often this program, in any thread, took memory from the heap while it was counted: by operator new, malloc,
/// calloc, realloc, memalign, posix_memalign or aligned_alloc.
struct HeapCount {
  long own = 0;     ///< by qkv, Eigen, the standard library
  long onednn = 0;  ///< by code that lies in oneDNN or in the OpenMP runtime that it brings
  long peak = 0;    ///< the most bytes held at once, beyond what was held when counting began
};

void start_counting();
HeapCount stop_counting();

}  // namespace qkv
