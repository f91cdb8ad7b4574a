#pragma once

#include "c10k/internal/ends_with_view.hpp"
#include "c10k/limits.hpp"
#include "c10k/websocket.hpp"
#include "connection/counters.hpp"
#include "connection/inbox.hpp"
#include "connection/socket_stream.hpp"
#include "wire/prepared_message.hpp"
#include "wire/protocol.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace c10k {

// One WebSocket after the handshake: protocol, inbox and outbox around a socket.
//
// This is the one way in, socket -> on_received() -> wire::Protocol -> on_message() -> inbox -> recv(), and the one way
// out, send() -> outbox -> SocketStream -> socket.
class WebSocketConnection : public WebSocket, private wire::Protocol::Events, protected SocketStream {
public:
    // The limits serve many connections and outlive them. `slow_member` is what the route does about a slow peer.
    WebSocketConnection(Loop& loop, SocketId socket, wire::Role role, const WebSocketLimits& limits,
                        SlowMember slow_member = SlowMember::kClose);
    WebSocketConnection(const WebSocketConnection&) = delete;
    WebSocketConnection& operator=(const WebSocketConnection&) = delete;

    [[nodiscard]] bool is_open() const noexcept { return phase_ == Phase::kOpening || phase_ == Phase::kOpen; }
    [[nodiscard]] bool is_gone() const noexcept { return phase_ == Phase::kGone; }
    [[nodiscard]] const CloseInfo& close_info() const noexcept;
    [[nodiscard]] Handle handle() const;

    // Queues a frame. Throws ConnectionClosed if the socket is closed.
    void send(const Message& message);
    void send_text(std::string_view text);
    // ---- For others than its view, who have more WebSockets to care for: one that gets no memory is dropped, and they
    // go on. None of these resumes its view.

    // The same for senders who do not wait: false if the socket is closed, or too slow for this message.
    bool deliver(wire::PreparedMessage& message);
    // Messages for it have been lost on their way to this loop: what its route says of slow members is done.
    void on_messages_lost();
    // Closes it; a handshake that its view has not answered is refused: only the view may accept it.
    void close_for_others(std::uint16_t code, std::string_view reason);

    // ---- For its view

    void close(std::uint16_t code, std::string_view reason);
    // Ends it now, without a word to the peer. A WebSocket that had not been closed ends with `code`.
    void drop(std::uint16_t code, std::string_view reason);

    // The server's part of the opening handshake, for as long as it has not been answered.
    virtual void answer_handshake() {}
    virtual void refuse_handshake(int status, std::string_view text);
    // The same with 503, because somebody else has closed it.
    virtual void turn_handshake_away() {}
    [[nodiscard]] virtual const Request& handshake_request() const;
    [[nodiscard]] virtual std::string_view subprotocol() const noexcept = 0;
    [[nodiscard]] bool is_compressed() const noexcept { return protocol_.deflate() != nullptr; }

    // Called when the peer has been silent for the ping interval, or again after the ping timeout.
    // Returns the time until it has to be called next.
    virtual std::chrono::seconds check_alive();

    // For those who await.
    [[nodiscard]] bool has_message() const noexcept { return !inbox_.empty(); }
    Message take_message();
    [[nodiscard]] bool is_full() const noexcept { return outbox_.bytes() > limits_.outbox_bytes; }
    RecvAwaiter* receiver = nullptr;
    SendAwaiter* senders = nullptr;
    ClosedAwaiter* watchers = nullptr;
    // A list: the connection empties it when its view ends.
    internal::EndsWithView* memberships = nullptr;

protected:
    virtual ~WebSocketConnection();

    // The handshake agrees on compression, with messages of at least so many bytes. Requires: nothing was sent.
    void compress(const wire::DeflateParameters& agreed, std::uint32_t from_bytes);
    // Sends bytes of the handshake.
    void write(std::string_view bytes);
    // The handshake is done. `head` goes out before any frame; `early` came behind the peer's handshake.
    void open(std::string_view head, std::span<char> early);
    // Sends `answer` instead of all frames, and ends the connection.
    void refuse(std::string_view answer);
    [[nodiscard]] bool is_opening() const noexcept { return phase_ == Phase::kOpening; }
    // The view has ended, and all that ends with it.
    void leave_groups() noexcept;

    // The TCP connection has ended.
    virtual void on_gone() = 0;

    [[nodiscard]] const WebSocketLimits& limits() const noexcept { return limits_; }

    void on_received(std::span<char> bytes) override;
    void on_fin() override;
    void on_sent(std::size_t bytes) override;
    void on_failed(std::error_code error) override;
    void on_message(Message message) override;

private:
    enum class Phase : std::uint8_t {
        kOpening,    // the server's handshake has not been answered
        kOpen,       // messages go both ways
        kClosing,    // a close frame is sent or queued; the peer's is still to come
        kFinishing,  // the last bytes are queued, then FIN; what still comes is thrown away
        kGone,       // there is no socket any more
    };
    class Ending;

    void on_pong(std::string_view payload) override;
    void on_reply(std::string_view frame) override;
    void on_close(const CloseInfo& info, wire::Violation violation) override;

    // Goes on reading what the protocol has kept while the inbox was full.
    void read_kept();
    // Queues the frame of a message, compressed or not: masked by a client.
    void queue(const internal::EncodedFrame& frame);
    [[nodiscard]] Counters& counters();
    // The peer broke the protocol, or one of its limits.
    void count_violation(wire::Violation violation);
    void queued(std::size_t bytes);
    void on_written(std::size_t bytes) override;
    // The peer's close frame or its fault has its consequences, now that the view has had its say.
    void enact_close();
    // What is queued goes out, then FIN; then the connection ends, at the latest after the close time.
    void finish();
    void finish_if_flushed();
    void set_deadline();
    void note_closed(std::uint16_t code, std::string_view reason);
    void read_or_pause();
    // Closes if the message that is arriving takes too long.
    void time_message();
    [[nodiscard]] bool is_late() const noexcept;
    // What its route wants of a peer that has more to take than it may. Returns whether one more message has room now.
    bool relieve();

    const WebSocketLimits& limits_;
    std::uint32_t slot_;
    std::uint32_t slow_since_ = 0;  // ms of the loop's clock when the outbox went over the slow limit
    wire::Protocol protocol_;
    Inbox inbox_;
    std::unique_ptr<CloseInfo> close_info_;
    std::unique_ptr<Ending> ending_;  // while it is closing, or is about to
    Phase phase_ = Phase::kOpening;
    SlowMember slow_member_;
    bool pinged_ = false;   // and nothing has come since
    bool stalled_ = false;  // a send() was unanswered then
    bool is_slow_ = false;
    bool was_slow_ = false;  // since the outbox was empty
    // ms of the loop's clock when the message that is arriving began; 0 if none is.
    std::uint32_t message_since_ = 0;
};

}  // namespace c10k
