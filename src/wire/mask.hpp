#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace c10k::wire {

// The masking key of a frame (RFC 6455, 5.3). Without a key, masking changes nothing.
class MaskKey {
public:
    static constexpr std::size_t kSize = 4;

    constexpr MaskKey() = default;

    // Requires: kSize bytes.
    static MaskKey read(const char* from) noexcept;
    // A key that nobody can predict, as each frame from a client needs it. Throws like random_u32().
    static MaskKey random();
    // Writes kSize bytes.
    void write(char* to) const noexcept;

    // Masks or unmasks, which is the same, `from` into the memory at `to`: elsewhere, or the very same bytes.
    void apply(std::string_view from, char* to) const noexcept;

    // The key for the part of a payload that comes after `bytes` bytes.
    [[nodiscard]] MaskKey after(std::size_t bytes) const noexcept;

private:
    explicit constexpr MaskKey(std::uint32_t bits) : bits_(bits) {}

    std::uint32_t bits_ = 0;  // the four bytes as they lie in memory
};

}  // namespace c10k::wire
