#include "tests/allocation/heap.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <link.h>
#include <malloc.h>
#include <new>

// glibc's own allocator under the names it keeps for those who replace malloc.
extern "C" {
void* __libc_malloc(std::size_t bytes) noexcept;
void* __libc_calloc(std::size_t count, std::size_t bytes) noexcept;
void* __libc_realloc(void* memory, std::size_t bytes) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t bytes) noexcept;
void __libc_free(void* memory) noexcept;
}

namespace {

std::atomic<bool> counting = false;
std::atomic<long> own = 0, onednn = 0, held = 0, peak = 0;

struct Range {
  std::uintptr_t begin = 0, end = 0;
};
std::array<Range, 16> onednn_code;  // where oneDNN and OpenMP lie in memory
std::size_t onednn_ranges = 0;

int note_object(dl_phdr_info* info, std::size_t, void*) {
  if (std::strstr(info->dlpi_name, "dnnl") == nullptr && std::strstr(info->dlpi_name, "gomp") == nullptr) return 0;
  for (int i = 0; i < info->dlpi_phnum && onednn_ranges < onednn_code.size(); ++i)
    if (info->dlpi_phdr[i].p_type == PT_LOAD) {
      const std::uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      onednn_code[onednn_ranges++] = {begin, begin + info->dlpi_phdr[i].p_memsz};
    }
  return 0;
}

/// Counts one request by the code at this address.
void count(const void* caller) {
  if (!counting) return;
  const auto at = reinterpret_cast<std::uintptr_t>(caller);
  for (std::size_t i = 0; i < onednn_ranges; ++i)
    if (at >= onednn_code[i].begin && at < onednn_code[i].end) {
      ++onednn;
      return;
    }
  ++own;
}

/// Adds what was given to what is held.
void* hold(void* memory) {
  if (!counting || memory == nullptr) return memory;
  const long now = held += static_cast<long>(malloc_usable_size(memory));
  for (long most = peak; now > most && !peak.compare_exchange_weak(most, now);) {
  }
  return memory;
}

void release(void* memory) {
  if (counting && memory != nullptr) held -= static_cast<long>(malloc_usable_size(memory));
}

void* or_bad_alloc(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

extern "C" {
void* malloc(std::size_t bytes) noexcept {
  count(__builtin_return_address(0));
  return hold(__libc_malloc(bytes));
}
void* calloc(std::size_t number, std::size_t bytes) noexcept {
  count(__builtin_return_address(0));
  return hold(__libc_calloc(number, bytes));
}
void* realloc(void* memory, std::size_t bytes) noexcept {
  count(__builtin_return_address(0));
  release(memory);
  return hold(__libc_realloc(memory, bytes));
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  count(__builtin_return_address(0));
  return hold(__libc_memalign(alignment, bytes));
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  count(__builtin_return_address(0));
  return hold(__libc_memalign(alignment, bytes));
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) noexcept {
  count(__builtin_return_address(0));
  *memory = hold(__libc_memalign(alignment, bytes));
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) noexcept {
  release(memory);
  __libc_free(memory);
}
}

// Replaced as well, so that a request by way of operator new is counted for the code that made it.
void* operator new(std::size_t bytes) {
  count(__builtin_return_address(0));
  return or_bad_alloc(hold(__libc_malloc(bytes)));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  count(__builtin_return_address(0));
  return hold(__libc_malloc(bytes));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  count(__builtin_return_address(0));
  return or_bad_alloc(hold(__libc_memalign(static_cast<std::size_t>(alignment), bytes)));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace qkv {

void start_counting() {
  onednn_ranges = 0;
  dl_iterate_phdr(note_object, nullptr);
  own = onednn = held = peak = 0;
  counting = true;
}

HeapCount stop_counting() {
  counting = false;
  return {own, onednn, peak};
}

}  // namespace qkv
