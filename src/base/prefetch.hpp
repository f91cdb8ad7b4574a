#pragma once

#include <cstddef>

namespace c10k {

// Asks the processor for `bytes` of memory behind an address, which need not be valid. Of many connections none is in
// its caches, and it fetches several at a time while other work goes on.
inline void prefetch(const void* address, std::size_t bytes) noexcept {
    constexpr std::size_t kLine = 64;
    for (std::size_t at = 0; at < bytes; at += kLine) {
        __builtin_prefetch(static_cast<const char*>(address) + at, 1);
    }
}

}  // namespace c10k
