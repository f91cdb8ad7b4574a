#pragma once

#include "c10k/close_code.hpp"
#include "c10k/limits.hpp"
#include "c10k/message.hpp"
#include "wire/frame.hpp"
#include "wire/message_builder.hpp"
#include "wire/permessage_deflate.hpp"
#include "wire/violation.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace c10k::wire {

// Throws std::invalid_argument, with a sentence, unless a close frame may carry both. A longer reason is cut when it is
// sent.
void check_close(std::uint16_t code, std::string_view reason);

// One side of a WebSocket after the handshake (RFC 6455, 5 to 7), without I/O: bytes in; messages and answers out.
//
// It owns nothing between messages but a few bytes of state, so that an idle connection is small.
class Protocol {
public:
    // The frames of a message that it can count.
    static constexpr std::uint32_t kMaxFragments = (1u << 24) - 1;

    enum class State : std::uint8_t {
        kOpen,
        kClosing,  // our close frame was made, the peer's has not arrived
        kClosed,   // both close frames have passed; the socket lives on until CloseState::kClosed (RFC 6455, 7.1.1)
        kFailed,   // the peer broke the protocol: we end the TCP connection after everything queued
    };

    // The events of receive(), in order.
    //
    // A callback may call close() and ping(), but neither receive() nor the destructor. Views are valid until it
    // returns. If it throws, the protocol may only be destroyed.
    class Events {
    public:
        // Not after close(): the protocol drops messages that still arrive.
        virtual void on_message(Message message) = 0;
        virtual void on_pong(std::string_view payload) = 0;
        // A control frame that must go to the peer: the answer to a ping, or a close frame.
        virtual void on_reply(std::string_view frame) = 0;
        // The peer's close frame arrived, or there was a `violation`, for which `info` has our code. If a close frame
        // must go to the peer, it was the reply before this. Nothing follows. Called once.
        virtual void on_close(const CloseInfo& info, Violation violation) = 0;

    protected:
        ~Events() = default;
    };

    // With the default limits.
    explicit Protocol(Role role);
    // Requires: max_message_bytes is at most Message::kMaxSize, and max_fragments kMaxFragments. The limits outlive the
    // protocol.
    Protocol(Role role, const WebSocketLimits& limits);
    Protocol(Role role, WebSocketLimits&& limits) = delete;

    // Compresses as the handshake has agreed (RFC 7692). Requires: nothing has been received.
    void use(std::unique_ptr<PermessageDeflate> deflate) noexcept { deflate_ = std::move(deflate); }
    // Compresses the messages that we send; null if compression was not agreed on.
    [[nodiscard]] PermessageDeflate* deflate() const noexcept { return deflate_.get(); }

    // Takes the next bytes from the peer, cut anywhere; unmasks some of them in place and keeps none, unless paused.
    //
    // Bytes after on_close() are ignored. Throws std::bad_alloc and what a callback throws.
    void receive(std::span<char> bytes, Events& events);

    // From now on, the protocol keeps arriving bytes unread, also the rest of the bytes at hand.
    void pause() noexcept { is_paused_ = true; }
    [[nodiscard]] bool is_paused() const noexcept { return is_paused_; }
    // Reads the bytes that it kept, and goes on. Throws like receive(). Requires: no receive() is running.
    void resume(Events& events);

    // Begins the closing handshake (RFC 6455, 7.1.2): the frame to send, after which no other may be sent. A message
    // that has arrived in part is forgotten. Empty if the protocol is no longer open.
    //
    // `reason` is cut to the 123 bytes that fit.
    // Requires: CloseCode::is_sendable(code) and `reason` is UTF-8.
    [[nodiscard]] ControlFrame close(std::uint16_t code, std::string_view reason = {});

    // A ping to send. Empty if the protocol is no longer open. Requires: at most kMaxControlBytes.
    [[nodiscard]] ControlFrame ping(std::string_view payload) const;

    [[nodiscard]] Role role() const noexcept { return role_; }
    [[nodiscard]] const WebSocketLimits& limits() const noexcept { return limits_; }
    [[nodiscard]] State state() const noexcept { return state_; }
    // A message or a frame has arrived in part.
    [[nodiscard]] bool is_amid_message() const noexcept {
        return message_opcode_ != Opcode::kContinuation || left_bytes_ > 0 || header_bytes_ > 0;
    }
    // Memory held for a message that has arrived in part, in bytes.
    [[nodiscard]] std::size_t held_bytes() const noexcept;

private:
    // Bytes that have arrived and cannot be used yet.
    struct Kept {
        std::array<char, kMaxControlBytes> control;  // a control payload while it is cut
        std::string unread;                          // bytes that came while paused
    };

    // One step each: takes some of `bytes` and returns the rest.
    std::span<char> receive_header(std::span<char> bytes, Events& events);
    std::span<char> receive_payload(std::span<char> bytes, Events& events);

    [[nodiscard]] Violation find_violation(const FrameHeader& header) const noexcept;
    // How long the payload of such a data frame may be.
    [[nodiscard]] std::uint64_t most_payload(const FrameHeader& header) const noexcept;
    void begin_frame(const FrameHeader& header) noexcept;
    void receive_data(std::span<char> part, Events& events);
    // The fault of the message, which has grown from `before` bytes; `result` is that of inflating it.
    [[nodiscard]] Violation check_message(Inflater::Result result, std::size_t before);
    void end_data(Events& events);
    void receive_control(std::span<char> part, Events& events);
    void end_control(std::string_view payload, Events& events);
    void receive_close(std::string_view payload, Events& events);
    void fail(Violation violation, Events& events);
    void forget_message() noexcept;
    [[nodiscard]] Kept& kept();

    std::unique_ptr<PermessageDeflate> deflate_;
    const WebSocketLimits& limits_;

    // The message that is arriving.
    MessageBuilder message_;
    std::uint32_t fragments_ : 24 = 0;               // its frames so far
    std::uint32_t unchecked_bytes_ : 7 = 0;          // of a text, these are a code point that is cut
    bool is_compressed_ : 1 = false;                 // the message, not a frame
    Opcode message_opcode_ = Opcode::kContinuation;  // which stands for none

    // The frame that is arriving: its header while that is cut, then its payload.
    std::array<char, FrameHeader::kMaxBytes> header_;
    std::uint8_t header_bytes_ = 0;
    Opcode opcode_ : 4 = Opcode::kContinuation;
    bool final_ : 1 = false;
    bool is_paused_ : 1 = false;
    std::uint8_t control_bytes_ = 0;

    State state_ = State::kOpen;
    const Role role_;
    MaskKey key_;                   // for the next payload byte
    std::uint32_t left_bytes_ = 0;  // of the payload; none: the next byte is a header's
    std::unique_ptr<Kept> kept_;
};

}  // namespace c10k::wire
