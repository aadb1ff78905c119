#pragma once

namespace qkv {

/// How often this test program has taken memory from the heap with operator new.
long heap_allocations();

}  // namespace qkv
