#include "c10k/client.hpp"

#include "c10k/text.hpp"
#include "connection/client_handshake.hpp"
#include "connection/client_websocket.hpp"
#include "connection/dialling.hpp"
#include "connection/endpoint.hpp"
#include "connection/loop_services.hpp"
#include "connection/shared_connections.hpp"
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

// One run of connect(): makes `socket`, and ends it, when it is its turn.
class ClientRun {
public:
    explicit ClientRun(const Endpoint::Data& server)
        : server_(server), services_(LoopServices::of(Loop::current())),
          windows_(services_.handshake_windows, server.windows_key) {
        if (server.options.http2) {
            connections_.emplace(SharedConnections::of(services_), server);
        }
    }

    // Opens a WebSocket when it is its turn.
    Task<> open();
    [[nodiscard]] ClientWebSocket& socket() noexcept { return *socket_; }
    // Closes it, if it is open, when it is its turn, and waits for the end of the connection.
    Task<> close(std::uint16_t code);

private:
    class Opening;

    [[nodiscard]] Backend& backend() const noexcept { return services_.loop.backend(); }

    const Endpoint::Data& server_;
    LoopServices& services_;
    HandshakeWindows::Use windows_;
    std::optional<SharedConnections::Use> connections_;  // with HTTP/2
    std::optional<ClientWebSocket> socket_;
};

// The state that only the opening needs: it is gone when the WebSocket is open.
class ClientRun::Opening {
public:
    explicit Opening(ClientRun& run) : run_(run), server_(run.server_) {
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
    [[nodiscard]] ClientHandshake::Wanted wanted() noexcept {
        return {request_, server_.limits, server_.options.compression.from_bytes, run_.socket_};
    }

    ClientRun& run_;
    const Endpoint::Data& server_;
    wire::HandshakeRequest request_;
    std::optional<Dialling> dialling_;
    std::unique_ptr<ClientHandshake> handshake_;
};

Http1ClientHandshake& ClientRun::Opening::start_handshake(SocketId connecting) {
    try {
        if (server_.tls) {
            TlsBackend::of(run_.services_.loop).secure(connecting, server_.tls, server_.parsed.host);
        }
        auto handshake = std::make_unique<Http1ClientHandshake>(run_.services_, connecting, wanted());
        Http1ClientHandshake& started = *handshake;
        handshake_ = std::move(handshake);
        return started;
    } catch (...) {  // no memory
        run_.backend().close(connecting);
        throw;
    }
}

Task<> ClientRun::Opening::open() {
    if (server_.addresses.size() == 1) {
        const Address& only = server_.addresses.front();
        start_handshake(run_.backend().connect(only, server_.next_source(only.family())));
    } else {
        const SocketId connected = co_await dialling_.emplace(run_.services_.loop, server_);
        Http1ClientHandshake& handshake = start_handshake(connected);
        if (server_.tls) {
            TlsBackend::of(run_.services_.loop).begin(connected);
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
        const SocketId connection = co_await run_.connections_->next();
        auto handshake = std::make_unique<Http2ClientHandshake>(run_.services_, connection,
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
    const Semaphore::Permit turn = co_await windows_->opening.turn();
    const std::int64_t began = backend().now();
    const Stopwatch stopwatch;
    Opening opening{*this};
    co_await opening.run();
    windows_->opening.note_success(since(began),
                                   std::chrono::ceil<std::chrono::milliseconds>(server_.options.handshake_time));
    stopwatch.tell(server_.options.on_opened);
}

Task<> ClientRun::close(std::uint16_t code) {
    WebSocketConnection& connection = socket_->connection();
    HandshakeWindow& window = windows_->closing;
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
    const std::int64_t began = backend().now();
    const std::uint64_t others = window.successes();
    const Stopwatch stopwatch;
    connection.start_close(code, {});
    co_await socket_->ended();
    if (const auto took = since(began); took < server_.limits.close_time) {
        window.note_success(took, server_.limits.close_time);
    } else if (window.successes() == others) {
        window.open();  // the server answers no client: waiting for a turn would be in vain
    }
    stopwatch.tell(server_.options.on_closed);
}

Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view) {
    ClientRun client{*server.data_};
    co_await client.open();
    std::exception_ptr failure;
    std::uint16_t code = CloseCode::kNormal;
    try {
        co_await view(client.socket().socket());
    } catch (const Stopped&) {
        failure = std::current_exception();
        code = CloseCode::kGoingAway;
    } catch (...) {
        failure = std::current_exception();
        code = CloseCode::kInternalError;
    }
    co_await client.close(code);
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace c10k
