#pragma once

#include "c10k/internal/require.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace c10k::wire {

// Whether `text` is UTF-8 (RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// In builds without NDEBUG: throws std::logic_error if `text`, which a caller wants to send, is not UTF-8.
inline void require_utf8([[maybe_unused]] std::string_view text) {
#ifndef NDEBUG
    internal::require(is_utf8(text), "Message: a text is UTF-8; send bytes with Message::binary()");
#endif
}

// Checks the beginning of a text whose rest has yet to come. Returns how many of its bytes are whole code points: all
// but at most 3. Empty if no rest would make it UTF-8.
[[nodiscard]] std::optional<std::size_t> whole_utf8(std::string_view beginning) noexcept;

// The longest beginning of `text` that has at most `max_bytes` bytes and ends between two code points.
// Requires: `text` is UTF-8.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) noexcept;

}  // namespace c10k::wire
