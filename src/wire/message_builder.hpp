#pragma once

#include "c10k/message.hpp"
#include "wire/mask.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace c10k::wire {

// Collects the payload of a message where the message will keep it.
//
// Owns no memory before the first byte and after finish() or clear(). Memory grows with the bytes that have arrived,
// never with the length that a peer announces, so that announcing costs a peer as much as sending.
class MessageBuilder {
public:
    MessageBuilder() = default;
    MessageBuilder(const MessageBuilder&) = delete;
    MessageBuilder& operator=(const MessageBuilder&) = delete;
    ~MessageBuilder() { clear(); }

    // Appends `bytes`, unmasked with `key`.
    //
    // `limit` is the most the message can come to, in bytes: no more is reserved.
    // Requires: size() + bytes.size() <= limit <= Message::kMaxSize. Throws std::bad_alloc; then nothing has changed.
    void append(std::string_view bytes, MaskKey key, std::size_t limit);

    // Memory behind the appended bytes, for the caller to write to: some of `wanted` bytes, and none only at `limit`,
    // which means the same as above. If it throws std::bad_alloc, nothing has changed.
    [[nodiscard]] std::span<char> room(std::size_t wanted, std::size_t limit);
    // The first `bytes` of the room are written.
    void wrote(std::size_t bytes) noexcept { size_ += static_cast<std::uint32_t>(bytes); }
    // Takes the last `bytes` away. Requires: there are so many.
    void drop_last(std::size_t bytes) noexcept { size_ -= static_cast<std::uint32_t>(bytes); }

    // The appended bytes; valid until the next change.
    [[nodiscard]] std::string_view view() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    // Memory held, in bytes.
    [[nodiscard]] std::size_t held_bytes() const noexcept;

    // The message; afterwards nothing has been appended. Throws std::bad_alloc.
    Message finish(Message::Kind kind);
    // The frame of a compressed payload, and its header says so (RFC 7692, 6). Otherwise like finish().
    internal::EncodedFrame finish_compressed(Message::Kind kind);
    void clear() noexcept;

private:
    using Block = internal::EncodedFrame::Block;

    internal::EncodedFrame finish_frame(Message::Kind kind);
    void reallocate(std::size_t capacity);

    char* memory_ = nullptr;  // room for the message's block, then `capacity_` bytes
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
};

}  // namespace c10k::wire
