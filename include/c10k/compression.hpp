#pragma once

#include <cstdint>

namespace c10k {

// Whether each side of a WebSocket keeps its last messages, so that the next one may refer to them (RFC 7692, 7.1.1).
//
// kYes compresses streams of small, similar messages several times better. It costs each connection a compressor and a
// decompressor of its own, for as long as it lives: docs/topics/compression.md says how many bytes. With kNo
// connections borrow both from their loop for one message, and an idle one keeps nothing.
enum class ContextTakeover : std::uint8_t { kNo, kYes };

// How a WebSocket compresses its messages (permessage-deflate, RFC 7692), if its peer can do so as well.
//
// Do not compress a secret together with text that a stranger can choose: the size of the frame reveals whether they
// are alike.
struct Compression {
    // Smaller messages travel uncompressed: what they would save is not worth the time.
    std::uint32_t from_bytes = 256;
    ContextTakeover context_takeover = ContextTakeover::kNo;
    // How far back either side may refer: 2 to the power of 8 to 15 bytes. 12, which is 4 KiB, finds most repetitions
    // in messages of some kilobytes, with an eighth of the memory of 15. 8 means 9, as it does to zlib, unless the peer
    // asks for 8.
    std::uint8_t window_bits = 12;

    static const Compression kOff;
    static const Compression kOn;  // the values above

    [[nodiscard]] constexpr bool is_on() const noexcept { return window_bits != 0; }
    // Whether there are such windows.
    [[nodiscard]] constexpr bool is_possible() const noexcept {
        return !is_on() || (window_bits >= 8 && window_bits <= 15);
    }

    friend constexpr bool operator==(const Compression&, const Compression&) = default;
};

inline constexpr Compression Compression::kOff{.window_bits = 0};
inline constexpr Compression Compression::kOn{};

}  // namespace c10k
