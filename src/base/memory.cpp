#include "base/memory.hpp"

#include <malloc.h>

namespace c10k {
namespace {

constexpr int kMostKeptBytes = 64 << 20;    // at the top of the heap
constexpr int kLargestKeptBlock = 4 << 20;  // larger ones come from the system, and go back to it

}  // namespace

void keep_freed_memory() noexcept {
    static const bool is_set =
        ::mallopt(M_TRIM_THRESHOLD, kMostKeptBytes) == 1 && ::mallopt(M_MMAP_THRESHOLD, kLargestKeptBlock) == 1;
    static_cast<void>(is_set);
}

void release_free_memory() noexcept { ::malloc_trim(0); }

}  // namespace c10k
