#pragma once

#include "c10k/compression.hpp"
#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"
#include "connection/traffic.hpp"
#include "wire/handshake.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace c10k {

// The texts that a route captured from a URL, in one block of exactly their size.
class Captures {
public:
    Captures() = default;
    explicit Captures(std::span<const std::string_view> texts);

    [[nodiscard]] std::span<const std::string_view> texts() const noexcept;

private:
    std::unique_ptr<char[]> block_;  // the count, the views, then the characters
};

// A route that leads to a WebSocket view. It outlives the connections on it.
struct WebSocketRoute {
    std::string name;                       // for the log: its pattern
    std::vector<std::string> subprotocols;  // in the server's order of preference
    Compression compression = Compression::kOff;
    std::function<Task<>(WebSocket&, std::span<const std::string_view> captures)> view;
    SlowMember slow_member = SlowMember::kClose;
    std::shared_ptr<Traffic> traffic = std::make_shared<Traffic>();  // of its WebSockets here
};

// A valid handshake that has found its view.
struct WebSocketMatch {
    const WebSocketRoute* route = nullptr;
    Captures captures;
    wire::HandshakeOffer offer;
};

// The application behind a server: it answers each request, and hears how the request ended.
class Application {
public:
    using Answer = std::variant<Response, Task<Response>, WebSocketMatch>;

    virtual ~Application() = default;

    // Whether `request` came by https. Comes before answer(), with the connection's own peer and is_secure.
    [[nodiscard]] virtual bool came_securely(const Request& request) const { return request.is_secure; }
    // Whether the view of `request`, of which the head has come, reads the body from request.body_reader. If not, the
    // server reads the body whole before it calls answer().
    [[nodiscard]] virtual bool reads_body(const Request& /*request*/) { return false; }
    // `request` lives until the answer is complete. `minor_version` is that of HTTP/1.x.
    virtual Answer answer(Request& request, int minor_version) = 0;
    // The answer to a request whose view threw `failure`, or to a handshake whose view did.
    virtual Response on_view_failed(const Request& request, std::exception_ptr failure) = 0;
    // The stream of an answer failed after its first piece; the connection is cut.
    virtual void on_stream_failed(const Request& request, std::exception_ptr failure) {
        static_cast<void>(on_view_failed(request, std::move(failure)));
    }
    // The answer to bytes that the parser or a limit refused, with `status` (HttpFailure::status(), or 408).
    virtual Response on_refused(std::string_view peer, int status, std::string_view reason) = 0;
    // A view failed after the handshake. Returns the code that its peer gets: 1011, or another one if the peer is to
    // blame or may come again (RFC 6455, 7.4.1).
    virtual std::uint16_t on_websocket_failed(const WebSocketRoute& route, WebSocket& socket,
                                              std::exception_ptr failure) = 0;

    // An answer goes out; of a streamed one, its head.
    virtual void on_answered(const Request& request, const Response& response) = 0;
    // Both get the same WebSocket. When it has closed, its view may have ended: only close_info() is left of it.
    virtual void on_websocket_opened(const WebSocketRoute& route, const Request& request, WebSocket& socket) = 0;
    virtual void on_websocket_closed(const WebSocketRoute& route, WebSocket& socket) = 0;
};

}  // namespace c10k
