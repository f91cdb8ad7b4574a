#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace c10k::testkit {

// How many seeds to run: few by default, many with C10K_FULL=1.
inline std::uint64_t in_full(std::uint64_t many, std::uint64_t few) {
    const char* full = std::getenv("C10K_FULL");
    return full != nullptr && std::string_view{full} == "1" ? many : few;
}

}  // namespace c10k::testkit
