#pragma once

#include <cstddef>

namespace c10k::allocation {

// The allocation number `n` from now on (0 is the next one) of this thread fails, by new, malloc() or realloc().
// Free blocks (base/block_pool.hpp) are released first: a message needs an allocation again.
void fail(std::size_t n) noexcept;
// From now on each allocation of at least so many bytes fails.
void fail_from_bytes(std::size_t bytes) noexcept;
// From now on zlib gets no memory for compressing.
void fail_deflate() noexcept;
// From now on none fails. Returns whether one did.
bool stop_failing() noexcept;

}  // namespace c10k::allocation
