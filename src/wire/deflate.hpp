#pragma once

#include "c10k/message.hpp"
#include "wire/message_builder.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

struct z_stream_s;

// The payloads of permessage-deflate (RFC 7692, 7.2), message after message; each may refer to earlier ones.
namespace c10k::wire {

// Compresses the messages that one side sends.
class Deflater {
public:
    // The window is 2 to the power of `window_bits` bytes, 8 to 15, or less. Throws std::bad_alloc.
    explicit Deflater(std::uint8_t window_bits);

    // The frame of the compressed `payload`, whose header says that it is compressed. Empty if it would not be smaller:
    // then, as after reset(), later messages refer neither to this one nor to earlier ones. After std::bad_alloc the
    // same holds.
    [[nodiscard]] std::optional<internal::EncodedFrame> compress(Message::Kind kind, std::string_view payload);

    // Forgets the messages that it has compressed. The peer need not know.
    void reset() noexcept;

private:
    struct End {
        void operator()(z_stream_s* stream) const noexcept;
    };

    // Returns false if `compressed` would not be smaller.
    bool deflate_into(MessageBuilder& compressed, std::string_view payload);

    std::unique_ptr<z_stream_s, End> stream_;
    bool is_fresh_ = true;
};

// Inflates the messages that the peer has sent.
class Inflater {
public:
    enum class Result : std::uint8_t { kGood, kCorrupt, kTooBig };

    // The window is 2 to the power of `window_bits` bytes, 8 to 15; its memory is taken when it is needed.
    // Throws std::bad_alloc.
    explicit Inflater(std::uint8_t window_bits);

    // Inflates the next bytes of a message, cut anywhere, and appends to `message`. Unless the result is kGood, the
    // message cannot go on, and `message` has everything before the fault.
    //
    // kTooBig: `message` has `limit` bytes, and there are more. Inflates at most one byte beyond the limit. After
    // std::bad_alloc it has to be reset.
    Result inflate(std::string_view bytes, MessageBuilder& message, std::size_t limit);
    // The message is whole: appends its last bytes, if any are left.
    Result end_message(MessageBuilder& message, std::size_t limit);

    // Forgets all, and has a window of that size from now on.
    void reset(std::uint8_t window_bits) noexcept;

private:
    struct End {
        void operator()(z_stream_s* stream) const noexcept;
    };

    std::unique_ptr<z_stream_s, End> stream_;
};

}  // namespace c10k::wire
