#pragma once

#include <cstdint>

namespace c10k {

// Whether each side of a WebSocket keeps what it has sent, and may refer to it in the next message (RFC 7692, 7.1.1).
//
// kYes compresses streams of small, similar messages several times better. It costs each connection a compressor and a
// decompressor of its own, for as long as it lives: docs/topics/compression.md says how many bytes. With kNo
// connections borrow both from their loop for one message, and an idle one keeps nothing.
enum class ContextTakeover : std::uint8_t { kNo, kYes };

// How the messages of a WebSocket are compressed (permessage-deflate, RFC 7692), if its peer can do so as well.
//
// Do not compress what holds a secret together with what a stranger can choose: the size of the frame tells whether
// they are alike.
struct Compression {
    // Smaller messages go as they are: below this, what is saved is not worth the time.
    std::uint32_t from_bytes = 256;
    ContextTakeover context_takeover = ContextTakeover::kNo;
    // How far back either side may refer: 2 to the power of 8 to 15 bytes. 12, which is 4 KiB, finds most of what there
    // is to find in messages of some kilobytes, with an eighth of the memory that 15 takes. 8 means 9, as it does to
    // zlib, unless the peer asks for 8.
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
