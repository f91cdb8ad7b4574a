#pragma once

#include "c10k/task.hpp"
#include "connection/socket_stream.hpp"
#include "loop/loop.hpp"
#include "server/server.hpp"
#include "wire/request_parser.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace c10k {

// An accepted connection as long as it speaks HTTP: one request after the other, each answered before the next is read.
// A handshake that finds its view hands the socket over to an ServerWebSocket.
class Http1Connection final : public ServerConnection, private SocketStream, private Completion, private Timer {
public:
    Http1Connection(Server& server, SocketId socket, const Address& client, Admission::AddressSlot slot);
    ~Http1Connection() override;

    // Takes bytes that came before it was there.
    void receive(std::span<char> early) { on_received(early); }
    // Answers with 503 before anything is asked, and ends.
    void reject();

private:
    class Stream;

    enum class Phase : std::uint8_t {
        kReading,    // a request is awaited or arriving
        kServing,    // its view or its stream runs, or it is a handshake and earlier answers have to go out first
        kFinishing,  // the last answer goes out, then FIN; what still comes is thrown away
        kClosed,     // there is no socket any more; the view or the stream may still run
    };

    // The things that a connection waits for; each has a deadline of its own.
    enum class Wait : std::uint8_t {
        kRequest,     // the head or the body that has begun, or the first byte of a new connection
        kIdle,        // the next request
        kTaking,      // the peer takes something of what is unsent
        kTakingFast,  // the same at the least rate
        kHalfClosed,  // the view or the stream ends although the peer has finished sending
        kLinger,      // the peer's FIN after ours
    };
    static constexpr std::size_t kWaits = 6;
    static constexpr std::int64_t kNever = INT64_MAX;

    void close(const ShutdownOptions& options) override;
    void abort() noexcept override;

    void on_received(std::span<char> bytes) override;
    void on_fin() override;
    void on_written(std::size_t bytes) override;
    void on_failed(std::error_code error) override;
    void on_completed() noexcept override;
    void on_time() override;

    void read_requests();
    void read_on_or_pause();
    // A view or a stream runs: reads on, for the end that the peer may make of it.
    void watch_for_end();
    void on_peer_gone();
    void serve();
    [[nodiscard]] bool is_misdirected();
    void become_websocket();
    void respond(Response response);
    void send_answer(const Response& response);
    void end_answer();
    void on_stream_ended() noexcept;
    void answer_with_view();
    void finish_stream();
    // One of the parser's limits has struck, perhaps.
    void count_failure();
    void refuse(int status, std::string_view reason);
    void append(std::string_view bytes);
    [[nodiscard]] std::chrono::milliseconds body_age() const noexcept;
    [[nodiscard]] bool body_is_fast() noexcept;
    void time_body();
    // The peer has something to take, or has taken something of it.
    void time_taking(std::size_t taken_bytes);
    void await_next_request();
    void finish();
    // Sends FIN, and waits a while for the peer's. Requires: all is sent.
    void linger();
    void end_with_view() noexcept;
    // Leaves the server. Requires: there is no socket any more, and nothing runs.
    void retire() noexcept;

    [[nodiscard]] bool is_running() const noexcept { return static_cast<bool>(view_) || stream_ != nullptr; }
    void wait_for(Wait what, std::chrono::milliseconds time);
    void wait_until(Wait what, std::int64_t due);
    void stop_waiting_for(Wait what) { wait_until(what, kNever); }
    [[nodiscard]] std::int64_t due(Wait what) const noexcept { return due_[static_cast<std::size_t>(what)]; }
    void on_request_late();

    Server& server_;
    PendingConnection pending_;
    std::string peer_;
    wire::RequestParser parser_;
    std::string unread_;  // what came behind the request that is being served
    Task<Response> view_;
    std::unique_ptr<Stream> stream_;  // what the view returned, if it is a stream
    std::optional<WebSocketMatch> match_;
    StopScope scope_;
    std::int64_t body_began_ = 0;           // ms of the loop's clock
    std::array<std::int64_t, kWaits> due_;  // the same, by Wait
    std::int64_t armed_ = kNever;           // when the timer fires: at the first of those
    Admission::AddressSlot address_slot_;
    Phase phase_ = Phase::kReading;
    bool last_ = false;       // no request will be read after this answer
    bool continued_ = false;  // "100 Continue" is sent
    bool paused_ = false;     // no more is read until the peer takes its answers
};

}  // namespace c10k
