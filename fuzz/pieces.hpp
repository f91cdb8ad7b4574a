#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace c10k::fuzz {

// How a stream arrives.
enum class Cut {
    kNowhere,
    kEverywhere,  // byte by byte
    kSomewhere    // where the bytes themselves decide: an input is always cut in the same places
};

inline constexpr Cut kCuts[] = {Cut::kNowhere, Cut::kEverywhere, Cut::kSomewhere};

// Hands `bytes` to `take` in pieces. Each lies in memory of its exact size, so that a sanitizer sees a step beyond it.
inline void deliver(std::string_view bytes, Cut cut, const std::function<void(std::span<char> piece)>& take) {
    std::minstd_rand random(static_cast<unsigned>(std::hash<std::string_view>{}(bytes)));
    const auto size = [&]() -> std::size_t {
        switch (cut) {
            case Cut::kNowhere: return bytes.size();
            case Cut::kEverywhere: return 1;
            case Cut::kSomewhere: return 1 + random() % (1U << random() % 10);  // many small, some large
        }
    };
    while (!bytes.empty()) {
        const std::string_view next = bytes.substr(0, size());
        std::vector<char> piece(next.begin(), next.end());
        take(piece);
        bytes.remove_prefix(next.size());
    }
}

}  // namespace c10k::fuzz
