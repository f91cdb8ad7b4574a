#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace c10k::testkit {

// Random numbers that are the same on every machine and with every library: xoshiro256** of Blackman and Vigna. Their
// splitmix64 fills its state from a seed and from the purpose of the numbers. It does not use the standard's
// distributions, because each library defines them differently.
class Prng {
public:
    Prng(std::uint64_t seed, std::uint64_t purpose) noexcept {
        std::uint64_t mixed = seed ^ std::rotl(purpose, 32);
        for (std::uint64_t& word : state_) {
            mixed += 0x9E3779B97F4A7C15;
            std::uint64_t z = mixed;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            word = z ^ (z >> 31);
        }
    }

    std::uint64_t next() noexcept {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    // From 0 to `end` - 1, each as likely as can be told. Requires: 0 < end <= 2^32.
    std::uint64_t below(std::uint64_t end) noexcept { return ((next() >> 32) * end) >> 32; }

    // Whether an event of this probability happens. An impossible event draws no number.
    bool chance(double chance) noexcept {
        constexpr double kUnit = 1.0 / (std::uint64_t{1} << 53);
        return chance > 0 && static_cast<double>(next() >> 11) * kUnit < chance;
    }

    // From 1 to `most`: half of the numbers are among the smallest, and each doubling is as likely as the next.
    // Requires: 0 < most <= 2^32.
    std::uint64_t mostly_small(std::uint64_t most) noexcept {
        const std::uint64_t doublings = below(static_cast<std::uint64_t>(std::bit_width(most)));
        return below(most >> doublings) + 1;
    }

private:
    std::array<std::uint64_t, 4> state_{};
};

}  // namespace c10k::testkit
