#pragma once

#include "c10k/close_code.hpp"
#include "c10k/internal/encoded_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace c10k {

// One WebSocket message: a handle, the size of a pointer, to counted bytes that never change.
//
// Copying a Message copies no bytes, so one message can go to any number of receivers: its frame is encoded once,
// however often it is sent.
// Thread: copies of one message may be used and destroyed on any thread; one Message belongs to one thread at a time.
class Message {
public:
    enum class Kind : std::uint8_t { kText, kBinary };

    // The largest payload a message can hold, in bytes.
    static constexpr std::size_t kMaxSize = std::size_t{1} << 30;

    // An empty text message.
    Message() noexcept = default;

    // A text message. Throws std::length_error if `text` is larger than kMaxSize.
    // Requires: `text` is UTF-8 (RFC 6455, 5.6). Throws std::logic_error in builds without NDEBUG. Not checked in
    // others: whoever makes the text knows, and each byte would cost time.
    Message(std::string_view text) : Message(Kind::kText, text) {}
    Message(const char* text) : Message(Kind::kText, text) {}
    Message(const std::string& text) : Message(Kind::kText, text) {}

    // Throws std::length_error if `payload` is larger than kMaxSize.
    Message(Kind kind, std::string_view payload);
    static Message binary(std::string_view payload) { return {Kind::kBinary, payload}; }

    [[nodiscard]] Kind kind() const noexcept { return is_text() ? Kind::kText : Kind::kBinary; }
    [[nodiscard]] bool is_text() const noexcept { return frame_.is_text(); }

    // The payload; valid as long as a copy of the message exists.
    [[nodiscard]] std::string_view view() const noexcept { return frame_.payload(); }
    operator std::string_view() const noexcept { return view(); }
    [[nodiscard]] std::size_t size() const noexcept { return view().size(); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    // The unmasked, uncompressed frame (RFC 6455, 5.2) that carries the payload; valid as long as the payload is.
    [[nodiscard]] std::string_view frame() const noexcept { return frame_.bytes(); }
    [[nodiscard]] const internal::EncodedFrame& encoded_frame() const noexcept { return frame_; }

    friend bool operator==(const Message& left, std::string_view right) noexcept { return left.view() == right; }
    friend bool operator==(const Message& left, const char* right) noexcept { return left.view() == right; }
    friend bool operator==(const Message& left, const std::string& right) noexcept { return left.view() == right; }
    friend bool operator==(const Message& left, const Message& right) noexcept { return left.view() == right.view(); }

private:
    friend class Inbox;
    friend class wire::MessageBuilder;

    // Of a frame that is not compressed.
    explicit Message(internal::EncodedFrame frame) noexcept : frame_(std::move(frame)) {}

    internal::EncodedFrame frame_;
};

// Why a WebSocket was closed (RFC 6455, 7.1.5 and 7.1.6).
struct CloseInfo {
    std::uint16_t code = CloseCode::kAbnormal;  // 1005: closed without a code; 1006: the connection was lost
    std::string reason;                         // UTF-8, but else whatever the peer wrote: for a terminal, printable()
};

}  // namespace c10k
