#include "base/memory.hpp"

#include "base/block_pool.hpp"

#include <cstddef>
#include <cstdlib>
#include <malloc.h>

namespace c10k {
namespace {

constexpr int kMaxKeptBytes = 64 << 20;     // at the top of the heap
constexpr int kLargestKeptBlock = 4 << 20;  // larger ones come from the system, and go back to it

constexpr std::size_t kBlockThatTrims = 128 * 1024;

constinit thread_local int keepers = 0;

}  // namespace

void keep_freed_memory() noexcept {
    static const bool is_set =
        ::mallopt(M_TRIM_THRESHOLD, kMaxKeptBytes) == 1 && ::mallopt(M_MMAP_THRESHOLD, kLargestKeptBlock) == 1;
    static_cast<void>(is_set);
}

void release_free_memory() noexcept {
    if (keepers > 0) {
        return;
    }
    release_free_blocks();
    // malloc_trim() leaves the top of the heaps of other threads than the first alone; freeing a large block trims that
    // of this thread, if the threshold allows it.
    ::mallopt(M_TRIM_THRESHOLD, 0);
    void* volatile block = std::malloc(kBlockThatTrims);
    std::free(block);
    ::malloc_trim(0);
    ::mallopt(M_TRIM_THRESHOLD, kMaxKeptBytes);
}

FreeMemoryKept::FreeMemoryKept() noexcept { ++keepers; }

FreeMemoryKept::~FreeMemoryKept() { --keepers; }

}  // namespace c10k
