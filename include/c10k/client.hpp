#pragma once

#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// No connection could be made: the text says to where and why.
class ConnectError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct EndpointOptions {
    std::vector<std::string> subprotocols = {};  // in order of preference
    Headers headers = {};                        // more fields of the handshake, such as Origin or Cookie
    Duration handshake_time = std::chrono::seconds{30};
    std::uint32_t max_message_bytes = 1024 * 1024;
};

// Where a WebSocket server is, parsed and resolved once for any number of connections. Cheap to copy.
class Endpoint {
public:
    // `url` is "ws://host[:port]/path". Looks the host up, which may block.
    // Throws std::invalid_argument if it is no such URL, std::runtime_error if the host is unknown.
    explicit Endpoint(std::string_view url, EndpointOptions options = {});

    [[nodiscard]] const std::string& url() const noexcept;

private:
    friend class DialledWebSocket;
    friend Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view);
    struct Data;

    std::shared_ptr<const Data> data_;
};

// Connects, runs `view`, closes with 1000 when it returns, and waits for the end of the connection.
//
// An exception of the view closes with 1011, a stop with 1001, and both go on to the caller.
// Throws ConnectError, TimedOut if the handshake takes too long, and what the view throws.
Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view);

}  // namespace c10k
