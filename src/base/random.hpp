#pragma once

#include <cstdint>
#include <span>

namespace c10k {

// Fills `bytes` from the kernel's cryptographic generator.
//
// Bytes are drawn in advance for each thread, so that a few of them cost nanoseconds; no byte is given out twice,
// not even after fork(). Throws std::system_error if the kernel has no generator.
// Thread: any.
void fill_random(std::span<char> bytes);

// 32 bits of the same.
[[nodiscard]] std::uint32_t random_u32();

}  // namespace c10k
