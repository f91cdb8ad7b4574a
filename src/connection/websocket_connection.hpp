#pragma once

#include "base/prefetch.hpp"
#include "c10k/internal/ends_with_view.hpp"
#include "c10k/limits.hpp"
#include "c10k/websocket.hpp"
#include "connection/close_handshake.hpp"
#include "connection/inbox.hpp"
#include "connection/keepalive.hpp"
#include "connection/message_tap.hpp"
#include "connection/opening_handshake.hpp"
#include "connection/slow_member.hpp"
#include "connection/socket_stream.hpp"
#include "connection/traffic.hpp"
#include "wire/prepared_message.hpp"
#include "wire/protocol.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace c10k {

// One WebSocket: the protocol between a socket's stream, the inbox of its view, and those who send.
//
// The one way in is socket -> on_received() -> wire::Protocol -> on_message() -> inbox -> recv(), and the one way out
// send() -> queue_message() -> outbox -> SocketStream -> socket. Its life is the table in close_handshake.hpp.
class WebSocketConnection : private wire::Protocol::Events, private SocketStream {
public:
    // Has the connection as a member, and outlives its view.
    class Owner {
    public:
        // The TCP connection has ended. Called once; the owner destroys the connection later, outside of this call.
        virtual void on_closed() = 0;
        // The subprotocol that was agreed on, or "".
        [[nodiscard]] virtual std::string_view subprotocol() const noexcept = 0;
        // Bytes of memory that it has with the connection in it, and with its view.
        [[nodiscard]] virtual std::size_t memory() const noexcept { return sizeof(WebSocketConnection); }

    protected:
        ~Owner() = default;
    };

    // Takes `socket` over. The limits and the traffic, which counts its messages, outlive it; `slow_member` is what its
    // route does about a slow peer. A server's has the opening handshake that its view answers, a client's calls
    // open().
    WebSocketConnection(LoopServices& services, SocketId socket, wire::Role role, const WebSocketLimits& limits,
                        Traffic& traffic, SlowMember slow_member, Owner& owner,
                        std::unique_ptr<OpeningHandshake> opening = nullptr);
    using SocketStream::note_peer_fin;
    virtual ~WebSocketConnection();

    using SocketStream::services;
    using SocketStream::socket;

    [[nodiscard]] CloseState state() const noexcept { return close_.state(); }
    // Its view may still send: before the 101, and while the answer to the peer's close waits, too.
    [[nodiscard]] bool is_open() const noexcept { return state() <= CloseState::kAnswering; }
    // The socket is closed.
    [[nodiscard]] bool is_closed() const noexcept { return state() == CloseState::kClosed; }
    [[nodiscard]] const CloseInfo& close_info() const noexcept { return close_.info(); }
    [[nodiscard]] bool is_compressed() const noexcept { return protocol_.deflate() != nullptr; }
    [[nodiscard]] std::string_view subprotocol() const noexcept { return owner_.subprotocol(); }
    [[nodiscard]] WebSocketHandle handle() const;

    // ---- For those who look at it

    // Its place in the WebSocketTable.
    [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }
    [[nodiscard]] const Traffic& traffic() const noexcept { return traffic_; }
    // Bytes that the peer has not taken.
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return outbox_.bytes(); }
    [[nodiscard]] const SlowMemberGauge& slow() const noexcept { return slow_; }
    [[nodiscard]] const WebSocketLimits& limits() const noexcept { return protocol_.limits(); }
    // Bytes of memory that it takes with its owner, its view, and its queues.
    [[nodiscard]] std::size_t memory() const noexcept {
        return owner_.memory() + outbox_.bytes() + inbox_.bytes() + protocol_.held_bytes();
    }

    // ---- Opening

    // The handshake agrees on compression, with messages of at least so many bytes. Requires: nothing was sent.
    void compress(const wire::DeflateParameters& agreed, std::uint32_t from_bytes);
    // The handshake is done. `head` goes out before any frame; `early` came behind the peer's handshake.
    void open(std::string_view head, std::span<char> early);
    // Answers the opening handshake with 101. Does nothing if it has been answered.
    void accept();
    // Throws std::logic_error if the options cannot be met, and then nothing has changed.
    void accept(const AcceptOptions& options);
    // Answers it with `response` instead, and drops all frames. Does nothing if it has been answered. Throws
    // std::logic_error if the response's status cannot be sent.
    void refuse(const Response& response);
    // Null when the view has answered.
    [[nodiscard]] OpeningHandshake* opening() const noexcept { return opening_.get(); }
    void forget_opening() noexcept { opening_.reset(); }

    // ---- For its view, and its owner. A handshake that has not been answered is accepted first.

    // Queues a message. Throws ConnectionClosed if the WebSocket is closed.
    void queue_message(const Message& message);
    void queue_text(std::string_view text);
    // Begins the closing handshake. Does nothing if that has begun.
    void start_close(std::uint16_t code, std::string_view reason);
    // Ends it now, without a word to the peer: the socket is gone on return, and bytes that are queued are lost. A
    // WebSocket that had not been closed ends with `code`. Does nothing if it is closed.
    void abort(std::uint16_t code, std::string_view reason) noexcept;
    // Drops what has come and what still comes, which would keep the peer's close frame out.
    void ignore_messages();

    // ---- For others than its view, who have more WebSockets to care for: one that gets no memory is aborted, and they
    // go on. None of these resumes its view.

    // A deliver() follows soon.
    void prepare_to_deliver() const noexcept { prefetch(this, kPrefetched); }
    // Queues a message and never waits. Returns false if the WebSocket is closed, or too slow for this message.
    bool deliver(wire::PreparedMessage& message);
    // Messages for it have been lost on their way to this loop: what its route says of slow members is done.
    void on_messages_lost();
    // Closes it; a handshake that its view has not answered is refused: only the view may accept it.
    void close_for_others(std::uint16_t code, std::string_view reason);

    // ---- For WebSocketTable and CloseHandshake

    // The peer has been silent for the ping interval, or again for the ping timeout. Returns the time until this has
    // to be called next.
    virtual std::chrono::seconds check_alive();
    void on_close_time();
    void on_turn_ended();

    // ---- For those who await

    [[nodiscard]] bool has_receiver() const noexcept { return receiver_ != nullptr; }
    [[nodiscard]] bool has_message() const noexcept { return !inbox_.empty(); }
    Message take_message();
    // The peer takes less than is sent to it: a sender waits.
    [[nodiscard]] bool is_full() const noexcept { return outbox_.bytes() > limits().outbox_bytes; }
    void wait_for_message(WebSocket::RecvAwaiter& awaiter) noexcept { receiver_ = &awaiter; }
    void wait_for_room(WebSocket::SendAwaiter& awaiter) noexcept;
    void wait_for_close(WebSocket::ClosedAwaiter& awaiter) noexcept;
    // Does nothing if it does not wait.
    void stop_waiting(WebSocket::RecvAwaiter& awaiter) noexcept;
    void stop_waiting(WebSocket::SendAwaiter& awaiter) noexcept;
    void stop_waiting(WebSocket::ClosedAwaiter& awaiter) noexcept;

    // The view has ended, and all that ends with it.
    void leave_groups() noexcept;

private:
    void prepare() const noexcept override;
    void on_received(std::span<char> bytes) override;
    void on_fin() override;
    void on_sent(std::size_t bytes) override;
    void on_written(std::size_t bytes) override;
    // The outbox has shrunk, and somebody waits for that: a sender, the reading of more, or the end.
    void use_room();
    void on_failed(std::error_code error) override;

    void on_message(Message message) override;
    void on_pong(std::string_view payload) override;
    void on_reply(std::string_view frame) override;
    void on_close(const CloseInfo& info, wire::Violation violation) override;

    // Something has happened: alone changes the state, as the table says. Throws std::bad_alloc, and then nothing has
    // changed; never for CloseEvent::kAbort.
    void advance(CloseEvent event);
    // Draining goes on when all is sent.
    void advance_if_sent();
    // The first reason for the end stays.
    void note_end(MessageTap::Side side, std::uint16_t code, std::string_view reason) noexcept;
    void end();
    void wake_waiters() noexcept;
    // Returns whether the server ends the TCP connection, or we who found the peer at fault (RFC 6455, 7.1.1).
    [[nodiscard]] bool ends_first() const noexcept;

    // Bytes that the view's protocol does not read: those before the 101 are kept, those of a closing peer thrown away.
    void receive_outside(std::span<char> bytes);
    void read_while_opening();
    // Goes on reading what the protocol has kept while the inbox was full.
    void resume_protocol();
    // Stops reading from a peer whose messages nobody takes, or who does not take ours.
    void update_reading();
    // Closes if the message that is arriving takes too long.
    void time_message();
    // One of the limits of the protocol has struck, perhaps.
    void count_violation(wire::Violation violation);
    void note_activity() noexcept;

    // Accepts the handshake if that has to come first. Throws ConnectionClosed.
    void prepare_to_queue();
    // Queues the frame of a message, compressed or not: masked by a client.
    void queue(const internal::EncodedFrame& frame);
    void note_message_queued(std::size_t bytes);
    // Of a message, or of a frame of the protocol's own.
    void note_queued(std::size_t bytes);
    // Who listens to a server's WebSockets; null if nobody does.
    [[nodiscard]] MessageTap* tap() const noexcept;
    void tap_sent(Message::Kind kind, std::string_view payload, MessageTap::Sender sender) noexcept;
    void note_dropped(std::size_t count) noexcept;
    // Does what its route wants of a peer that has more to take than it may. Returns whether one more message has room.
    bool apply_slow_policy();

    [[nodiscard]] std::uint32_t now() const noexcept { return static_cast<std::uint32_t>(loop().now()); }

    // Bytes that deliver() touches.
    static constexpr std::size_t kPrefetched = 192;

    // In an order without gaps, because ServerWebSocket bounds its size, and first what deliver() needs.
    bool ignores_messages_ = false;
    std::uint32_t slot_;
    SlowMemberGauge slow_;
    Owner& owner_;
    Traffic& traffic_;
    [[no_unique_address]] CloseHandshake close_;
    Keepalive keepalive_;
    // ms of the loop's clock when the message that is arriving began; 0 if none is.
    std::uint32_t message_since_ = 0;
    wire::Protocol protocol_;
    Inbox inbox_;
    std::unique_ptr<OpeningHandshake> opening_;
    WebSocket::RecvAwaiter* receiver_ = nullptr;
    WebSocket::SendAwaiter* senders_ = nullptr;
    WebSocket::ClosedAwaiter* watchers_ = nullptr;

public:
    // A list, which leave_groups() empties.
    internal::EndsWithView* memberships = nullptr;
};

}  // namespace c10k
