#include "c10k/client.hpp"

#include "c10k/text.hpp"
#include "connection/client_handshake.hpp"
#include "connection/client_websocket.hpp"
#include "connection/dialling.hpp"
#include "connection/endpoint.hpp"
#include "connection/loop_endpoint.hpp"
#include "tls/tls_backend.hpp"
#include "wire/extensions.hpp"
#include "wire/handshake.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

std::chrono::milliseconds since(std::int64_t began_ms) {
    return std::chrono::milliseconds{Loop::current().backend().now() - began_ms};
}

// Tells an observer how long something took.
class Stopwatch {
public:
    void tell(const std::function<void(Duration)>& observer) const {
        if (observer) {
            observer(std::chrono::steady_clock::now() - began_);
        }
    }

private:
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace

// One run of connect(). Of millions of clients, each has one of these for as long as it is connected.
class ClientRun {
public:
    // In this order.
    enum Step : std::uint8_t { kOpen, kView, kClose, kEnd };

    explicit ClientRun(const Endpoint::Data& server) : endpoint_(LoopServices::of(Loop::current()), server) {}

    // Throws what the step throws.
    Task<> take(Step step, const std::function<Task<>(WebSocket&)>& view) {
        switch (step) {
            case kOpen: return open();
            case kView: return view(socket_->socket());
            case kClose: return close();
            case kEnd: break;
        }
        return {};
    }
    // The view has failed: the WebSocket is closed with a code that says so.
    void note_failure(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
    void rethrow_failure() const {
        if (failure_) {
            std::rethrow_exception(failure_);
        }
    }

private:
    class Opening;

    // Opens a WebSocket when it is its turn.
    Task<> open();
    // Closes it, if it is open, when it is its turn, and waits for the end of the connection.
    Task<> close();
    [[nodiscard]] std::uint16_t close_code() const noexcept;

    [[nodiscard]] const Endpoint::Data& server() const noexcept { return endpoint_->server(); }
    [[nodiscard]] Loop& loop() const noexcept { return endpoint_->services().loop; }

    LoopEndpoint::Use endpoint_;
    std::optional<ClientWebSocket> socket_;
    std::exception_ptr failure_;
};

// The state that only the opening needs: it is gone when the WebSocket is open.
class ClientRun::Opening {
public:
    explicit Opening(ClientRun& run) : run_(run), server_(run.server()) {
        request_.host = server_.parsed.host_field();
        request_.target = server_.parsed.target;
        request_.subprotocols = server_.options.subprotocols;
        request_.headers = server_.options.headers;
        if (server_.options.compression.is_on()) {
            request_.deflate = wire::offer_deflate(server_.options.compression);
        }
    }

    // Throws ConnectError, TimedOut. Stops.
    Task<> run();

private:
    // Connects, and opens the WebSocket there, or says why not in the handshake's failure().
    Task<> open();
    // On a stream of a connection that others use, too.
    Task<> open_stream();
    // Begins the handshake on a socket that is connected, or will be.
    Http1ClientHandshake& start_handshake(SocketId connecting);
    // The server's URL, and at which address it has answered.
    [[nodiscard]] std::string where() const { return dialling_ ? dialling_->where() : server_.url; }
    // The error after the handshake time: what the server still owes.
    [[nodiscard]] std::string missing() const;
    [[nodiscard]] ClientHandshake::Wanted wanted() noexcept { return {request_, server_, run_.socket_}; }

    ClientRun& run_;
    const Endpoint::Data& server_;
    wire::HandshakeRequest request_;
    std::optional<Dialling> dialling_;
    std::unique_ptr<ClientHandshake> handshake_;
};

Http1ClientHandshake& ClientRun::Opening::start_handshake(SocketId connecting) {
    try {
        if (server_.tls) {
            TlsBackend::of(run_.loop()).secure(connecting, server_.tls, server_.parsed.host);
        }
        auto handshake = std::make_unique<Http1ClientHandshake>(run_.endpoint_->services(), connecting, wanted());
        Http1ClientHandshake& started = *handshake;
        handshake_ = std::move(handshake);
        return started;
    } catch (...) {  // no memory
        run_.loop().backend().close(connecting);
        throw;
    }
}

Task<> ClientRun::Opening::open() {
    if (server_.addresses.size() == 1) {
        const Address& only = server_.addresses.front();
        start_handshake(run_.loop().backend().connect(only, server_.next_source(only.family())));
    } else {
        const SocketId connected = co_await dialling_.emplace(run_.loop(), server_);
        Http1ClientHandshake& handshake = start_handshake(connected);
        if (server_.tls) {
            TlsBackend::of(run_.loop()).begin(connected);
        } else {
            handshake.begin();
        }
    }
    co_await handshake_->done();
}

// A stream may be refused because the connection is about to end, or because others were quicker: then another is tried
// (RFC 9113, 8.7).
Task<> ClientRun::Opening::open_stream() {
    constexpr int kTries = 3;
    for (int tries = 0; tries < kTries; ++tries) {
        const SocketId connection = co_await run_.endpoint_->connections()->next();
        auto handshake = std::make_unique<Http2ClientHandshake>(run_.endpoint_->services(), connection,
                                                                server_.tls ? "https" : "http", wanted());
        const Http2ClientHandshake& started = *handshake;
        handshake_ = std::move(handshake);
        co_await handshake_->done();
        if (!started.is_refused()) {
            co_return;
        }
    }
}

std::string ClientRun::Opening::missing() const {
    const Duration limit = server_.options.handshake_time;
    const std::string time = std::to_string(std::chrono::ceil<std::chrono::seconds>(limit).count()) + " s";
    if (!handshake_ && dialling_) {
        return dialling_->failures();
    }
    return handshake_ && handshake_->is_request_sent()
               ? "it is connected, and has no answer to the handshake after " + time
               : "no answer after " + time;
}

Task<> ClientRun::Opening::run() {
    try {
        Task<> opening = server_.options.http2 ? open_stream() : open();
        co_await with_timeout(server_.options.handshake_time, std::move(opening));
    } catch (const std::system_error& error) {
        throw ConnectError("cannot connect to " + server_.url + ": " + error.code().message());
    } catch (const TimedOut&) {
        throw TimedOut("cannot connect to " + where() + ": " + missing());
    }
    if (!run_.socket_) {
        throw ConnectError("cannot connect to " + where() + ": " + printable(handshake_->failure()));
    }
}

Task<> ClientRun::open() {
    HandshakeWindow& window = endpoint_->opening();
    const Semaphore::Permit turn = co_await window.turn();
    const std::int64_t began = loop().backend().now();
    const Stopwatch stopwatch;
    Opening opening{*this};
    co_await opening.run();
    window.note_success(since(began), std::chrono::ceil<std::chrono::milliseconds>(server().options.handshake_time));
    stopwatch.tell(server().options.on_opened);
}

std::uint16_t ClientRun::close_code() const noexcept {
    if (!failure_) {
        return CloseCode::kNormal;
    }
    try {
        std::rethrow_exception(failure_);
    } catch (const Stopped&) {
        return CloseCode::kGoingAway;
    } catch (...) {
        return CloseCode::kInternalError;
    }
}

Task<> ClientRun::close() {
    WebSocketConnection& connection = socket_->connection();
    HandshakeWindow& window = endpoint_->closing();
    Semaphore::Permit turn;
    connection.leave_groups();
    if (connection.is_open()) {
        connection.ignore_messages();
        turn = co_await window.turn(Semaphore::OnStop::kWaitOn);
    }
    if (!connection.is_open()) {  // the server was first
        co_await socket_->ended();
        co_return;
    }
    const std::int64_t began = loop().backend().now();
    const std::uint64_t others = window.successes();
    const Stopwatch stopwatch;
    connection.start_close(close_code(), {});
    co_await socket_->ended();
    if (const auto took = since(began); took < server().limits.close_time) {
        window.note_success(took, server().limits.close_time);
    } else if (window.successes() == others) {
        window.open();  // the server answers no client: waiting for a turn would be in vain
    }
    stopwatch.tell(server().options.on_closed);
}

// One co_await for all steps, because each has room of its own in the frame, which lives as long as the client.
Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view) {
    ClientRun client{*server.data_};
    for (std::uint8_t step = ClientRun::kOpen; step != ClientRun::kEnd; ++step) {
        try {
            co_await client.take(ClientRun::Step{step}, view);
        } catch (...) {
            if (step != ClientRun::kView) {
                throw;
            }
            client.note_failure(std::current_exception());
        }
    }
    client.rethrow_failure();
}

}  // namespace c10k
