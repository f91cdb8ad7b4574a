#pragma once

#include "base/block_pool.hpp"
#include "connection/socket_stream.hpp"
#include "http2/http2_backend.hpp"
#include "server/body_credit.hpp"
#include "server/deadlines.hpp"
#include "server/http_exchange.hpp"
#include "server/server_context.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace c10k {

// The exchange waits for these; each has a deadline of its own.
enum class Http2Wait : std::uint8_t {
    kBody,        // more of the body, while the view or the server waits for it
    kTaking,      // the peer takes something of what is unsent
    kTakingFast,  // the same at the least rate
    kCount
};

// A stream of HTTP/2 with one request and its answer: its bytes and deadlines. A handshake that finds its view hands
// the stream over to a ServerWebSocket.
class Http2Exchange final : public ServerConnection,
                            private SocketStream,
                            private HttpExchange::Carrier,
                            private Deadlines<Http2Wait, static_cast<std::size_t>(Http2Wait::kCount)> {
public:
    Http2Exchange(ServerContext& context, SocketId stream, const std::string& peer, const std::string& local,
                  wire::Http2Head head, wire::Http2Body body);

    // One for each stream: in the room of one that has ended.
    static void* operator new(std::size_t bytes) { return take_block(bytes); }
    static void operator delete(void* exchange, std::size_t bytes) noexcept { give_block(exchange, bytes); }

    // Answers, or reads on. It may be retired on return.
    void begin();

private:
    enum class State : std::uint8_t {
        kReading,   // the body arrives, and the view gets it whole
        kServing,   // the view or its stream runs
        kAnswered,  // the answer is queued
        kClosed,    // there is no stream any more; the view or its stream may still run
    };
    enum class Body : std::uint8_t { kWhole, kArrives };
    using Wait = Http2Wait;

    void close(const ShutdownOptions& /*options*/) override {}  // it ends by itself, or is aborted
    void abort() noexcept override;
    [[nodiscard]] Admission::Kind kind() const noexcept override { return Admission::Kind::kStream; }

    void on_received(std::span<char> bytes) override;
    void on_fin() override;
    void on_written(std::size_t bytes) override;
    void on_failed(std::error_code error) override;
    void on_deadline() override;

    [[nodiscard]] Request& request() noexcept override { return request_; }
    void send_answer(const Response& response) override;
    void send_piece(std::string_view piece) override;
    void send_end() override {}
    [[nodiscard]] std::size_t unsent_bytes() const noexcept override { return outbox_.bytes(); }
    [[nodiscard]] bool is_lost() const noexcept override { return is_gone(); }
    void on_progress(HttpExchange::Outcome outcome) noexcept override;
    void on_read_waits() override;
    void on_read_ends() noexcept override;
    void on_taken() override;

    [[nodiscard]] Http2Backend& backend() const noexcept { return Http2Backend::of(loop()); }
    // Asks a client for the body that it waits with (RFC 9110, 10.1.1).
    void send_continue();
    void read_whole_body();
    // The client has sent bytes of a body that the view reads, and has more time.
    void pay_for_body(std::size_t bytes);
    void serve(Body body);
    void become_websocket();
    void refuse_body();
    void refuse(int status, std::string_view reason);
    void end_answer();
    // All of the answer has been taken by the session: the stream is done.
    void finish();
    // The answer cannot be completed, and its client has to see that.
    void cut() noexcept;
    void retire() noexcept;

    // The peer has something to take, or has taken something of it.
    void time_taking(std::size_t taken_bytes);
    void on_body_late();

    ServerContext& context_;
    Request request_;
    HttpExchange exchange_;
    std::optional<std::uint64_t> length_;  // of the body, if the client has said so
    std::uint64_t body_bytes_ = 0;         // that have come
    std::int64_t body_began_ = 0;          // ms of the loop's clock; if the view reads it, when it was last heard of
    BodyCredit body_credit_;               // while no view waits for the body
    State state_ = State::kReading;
    bool is_known_ : 1;                 // its head was a request of ours
    bool has_body_ : 1;                 // DATA frames follow the head
    bool is_handshake_ : 1;             // a client wants a WebSocket
    bool wants_continue_ : 1 = false;   // the client waits with the body
    bool has_answer_body_ : 1 = false;  // DATA frames follow the answer's head, and have not gone with it
};

}  // namespace c10k
