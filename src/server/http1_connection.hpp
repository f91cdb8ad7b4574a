#pragma once

#include "connection/socket_stream.hpp"
#include "server/body_credit.hpp"
#include "server/deadlines.hpp"
#include "server/http1_state.hpp"
#include "server/http_exchange.hpp"
#include "server/pending_connections.hpp"
#include "server/server_context.hpp"
#include "wire/request_parser.hpp"
#include "wire/response_writer.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace c10k {

// The things that a connection waits for; each has a deadline of its own.
enum class Http1Wait : std::uint8_t {
    kRequest,     // the head or the body that has begun, or the first byte of a new connection; more of the body that a
                  // view reads, or that is skipped
    kIdle,        // the next request
    kTaking,      // the peer takes something of what is unsent
    kTakingFast,  // the same at the least rate
    kHalfClosed,  // the view or the stream ends although the peer has finished sending
    kLinger,      // the peer's FIN after ours
    kCount
};

// An accepted connection as long as it speaks HTTP/1: its bytes and deadlines. It has one exchange after the other, and
// each is answered before the next request is read. A handshake that finds its view hands the socket over to a
// ServerWebSocket.
class Http1Connection final : public ServerConnection,
                              private SocketStream,
                              private HttpExchange::Carrier,
                              private Deadlines<Http1Wait, static_cast<std::size_t>(Http1Wait::kCount)> {
public:
    Http1Connection(ServerContext& context, PendingConnections& pending, SocketId socket, const Address& client,
                    const Address& local, Admission::AddressSlot slot);

    // Takes bytes that came before it was there.
    void receive(std::span<char> early) { on_received(early); }
    // Answers with 503, and ends. If the peer may speak HTTP/2, its first bytes have to say how it is told.
    void reject();

private:
    using Wait = Http1Wait;

    void close(const ShutdownOptions& options) override;
    void abort() noexcept override;

    void on_received(std::span<char> bytes) override;
    void on_fin() override;
    void on_written(std::size_t bytes) override;
    void on_failed(std::error_code error) override;
    void on_deadline() override;

    [[nodiscard]] Request& request() noexcept override { return parser_.request(); }
    void send_answer(const Response& response) override;
    void send_piece(std::string_view piece) override;
    void send_end() override;
    [[nodiscard]] std::size_t unsent_bytes() const noexcept override { return outbox_.bytes(); }
    [[nodiscard]] bool is_lost() const noexcept override { return is_gone(); }
    void on_progress(HttpExchange::Outcome outcome) noexcept override;
    void on_read_waits() override;
    void on_read_ends() noexcept override;
    void on_taken() override;

    void read_requests();
    void read_on_or_pause();
    // A view or a stream runs: reads on, for the end that the peer may make of it.
    void watch_for_end();
    void on_peer_gone();
    // The head of a request with a body has come: its view is asked who reads the body.
    void begin_body();
    void serve();

    // Some of the body has not come, of a request that is being served or has been answered.
    [[nodiscard]] bool has_body_to_come() const noexcept {
        return (state_ == Http1State::kServing || state_ == Http1State::kSkipping) &&
               parser_.state() == wire::RequestParser::State::kBody;
    }
    // Takes bytes of that body, for the view or to throw them away; returns how many. Requires: has_body_to_come().
    std::size_t take_body(std::string_view bytes);
    void read_body_on_or_pause();
    void fail_body(int status, std::string_view reason);
    void skip_body();
    void finish_request();

    // The peer speaks HTTP/2 from its first byte on, or may still turn out to.
    bool is_http2();
    void become_http2();
    void answer_full();
    void become_websocket();
    void end_answer();
    // Whether so much of the body is missing that the connection has to end: it is long, will not come, or the client
    // may or may not send it, since it has asked and had no answer (RFC 9110, 10.1.1).
    [[nodiscard]] bool leaves_body() const noexcept;
    void send(std::string_view bytes);
    // One of the parser's limits has struck, perhaps.
    void count_failure();
    void refuse(int status, std::string_view reason);

    // Something has happened: alone changes the state, as the table says.
    void advance(Http1Event event);
    // No more requests are wanted. Requires: nothing runs.
    void end_requests();
    void drain();
    void end() noexcept;
    // Leaves the server. Requires: there is no socket any more, and nothing runs.
    void retire() noexcept;

    [[nodiscard]] std::chrono::milliseconds body_age() const noexcept;
    [[nodiscard]] bool body_is_fast() noexcept;
    void time_body();
    // The time that the peer has to send more of a body runs only while somebody waits for it.
    void start_body_clock();
    void stop_body_clock();
    // The peer has sent `bytes` of the body's data, and has more time.
    void pay_for_body(std::size_t bytes);
    // The peer has something to take, or has taken something of it.
    void time_taking(std::size_t taken_bytes);
    void await_next_request();

    void on_request_late();
    void on_body_late();

    ServerContext& context_;
    PendingConnection pending_;
    std::string peer_;
    std::string local_;
    wire::RequestParser parser_;
    std::string unread_;  // what came behind the request that is being served
    HttpExchange exchange_;
    std::int64_t body_began_ = 0;  // ms of the loop's clock; of a body in pieces, when it was last heard of
    BodyCredit body_credit_;       // while the body's clock stands still
    Admission::AddressSlot address_slot_;
    std::uint32_t skipped_bytes_ = 0;  // of a body, behind its answer
    Http1State state_ = Http1State::kReading;
    wire::Framing framing_ = wire::Framing::kLength;  // of the last answer
    // No request will be read after this answer, which says so if its head has not gone out.
    bool is_last_ = false;
    bool may_be_http2_;  // nothing has come that HTTP/2 does not begin with
    bool is_rejected_ = false;
    bool paused_ = false;  // no more is read until the peer takes its answers
};

}  // namespace c10k
