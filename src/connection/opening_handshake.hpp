#pragma once

#include "c10k/http.hpp"
#include "c10k/timer.hpp"
#include "c10k/websocket.hpp"

#include <span>
#include <string>
#include <utility>

namespace c10k {

// The opening handshake of a server's WebSocket (RFC 6455, 4.2), for as long as its view may look at the request. The
// view has a time to answer it, which the owner of the WebSocket starts.
class OpeningHandshake : public Timer {
public:
    explicit OpeningHandshake(Request asked, std::string came_early) noexcept
        : request(std::move(asked)), early(std::move(came_early)) {}
    virtual ~OpeningHandshake() = default;

    // In the client's order of preference.
    [[nodiscard]] virtual std::span<const std::string> offered_subprotocols() const noexcept = 0;
    // Returns the bytes of the 101; on a stream of HTTP/2, where the answer has gone out by itself, none. Throws
    // std::bad_alloc, and std::logic_error if the options ask for a subprotocol that the client does not offer, or for
    // a field that the answer cannot have; then nothing has changed.
    [[nodiscard]] virtual std::string accept(const AcceptOptions& options) = 0;
    // The 101 is queued. Throws std::bad_alloc.
    virtual void on_accepted() = 0;
    // Returns the bytes of another answer, on a stream of its body. Throws std::logic_error if its status cannot be
    // sent.
    [[nodiscard]] virtual std::string refuse(const Response& response) = 0;

    Request request;
    std::string early;  // bytes that came behind the request
};

}  // namespace c10k
