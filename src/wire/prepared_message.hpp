#pragma once

#include "c10k/message.hpp"
#include "wire/deflate_pool.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k::wire {

// A message on its way to many connections: encoded once, and compressed once for each size of window among them.
// Thread: that of the connections' loop.
class PreparedMessage {
public:
    // Requires: `message` outlives it.
    explicit PreparedMessage(const Message& message) noexcept : message_(message) {}
    explicit PreparedMessage(Message&& message) = delete;
    PreparedMessage(const PreparedMessage&) = delete;
    PreparedMessage& operator=(const PreparedMessage&) = delete;

    [[nodiscard]] Message::Kind kind() const noexcept { return message_.kind(); }
    [[nodiscard]] std::string_view payload() const noexcept { return message_.view(); }
    [[nodiscard]] const internal::EncodedFrame& frame() const noexcept { return message_.encoded_frame(); }
    // The frame compressed without reference to any other message, for a window of 2 to the power of `window_bits`
    // bytes; empty if that is not smaller. The first call for a window compresses, with what `pool` has.
    // Valid until the first call for another window. Throws std::bad_alloc.
    [[nodiscard]] const std::optional<internal::EncodedFrame>& compressed(DeflatePool& pool, std::uint8_t window_bits);

private:
    const Message& message_;
    std::vector<std::pair<std::uint8_t, std::optional<internal::EncodedFrame>>> compressed_;  // by window bits
};

}  // namespace c10k::wire
