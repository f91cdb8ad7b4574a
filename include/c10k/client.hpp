#pragma once

#include "c10k/compression.hpp"
#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {

// No connection could be made: the text says to where and why.
class ConnectError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Whom a client takes for the server that it asks for by wss://.
enum class Verify {
    kServer,   // who shows a good certificate for the URL's host, from an authority that is trusted
    kNothing,  // anybody: to develop with, and never where somebody could listen
};

struct EndpointOptions {
    std::vector<std::string> subprotocols = {};  // in order of preference
    Headers headers = {};                        // more fields of the handshake, such as Origin or Cookie
    // From dialling to the end of the opening handshake.
    Duration handshake_time = std::chrono::seconds{30};
    // Opening handshakes with the server that are in flight at once, on each loop, and as many closing ones: others
    // wait for their turn, so that a crowd that comes or leaves together asks no more of either side than it can do in
    // time. It begins with at most 64, and grows while they are quick.
    std::uint32_t handshakes_at_once = 1024;
    // Silence of the server after which it is sent a ping, and then that after which the connection is given up.
    std::chrono::seconds ping_interval{20};
    std::chrono::seconds ping_timeout{20};
    // From our close frame to the end of the TCP connection.
    std::chrono::milliseconds close_time{10'000};
    // Told how long an opening handshake took that has succeeded, and a closing one that connect() began; neither with
    // the wait for its turn. They must not throw. Thread: that of the connection's loop.
    std::function<void(Duration)> on_opened = {};
    std::function<void(Duration)> on_closed = {};
    std::uint32_t max_message_bytes = 1024 * 1024;  // closed with 1009 beyond it; at most 1 GiB
    // Frames of one message of the server, which may be empty: closed with 1008 beyond it; 1 to 2^24 - 1.
    std::uint32_t max_fragments = 128 * 1024;
    Compression compression = Compression::kOff;  // is offered, and used if the server agrees
    Verify verify = Verify::kServer;
    // The IP addresses of the URL's host, instead of those that the system's resolver knows; in order of preference.
    std::vector<std::string> addresses = {};
    // A file in PEM with the certificates of the authorities that are trusted, instead of those that this system
    // trusts.
    std::string ca_file = {};
};

// Where a WebSocket server is, parsed and resolved once for any number of connections. Cheap to copy.
//
// A host may have several addresses. A connection dials one; when that has failed, or has said nothing for 250 ms, the
// next, of the other family if there is one; the first that answers is taken, and all others are closed (RFC 8305).
// The next connection begins with the address that answered last.
class Endpoint {
public:
    // `url` is "ws://host[:port]/path", or "wss://..." for TLS. Looks the host up, which may block.
    // Throws std::invalid_argument if it is no such URL, or an option is out of its range; std::runtime_error if the
    // host is unknown, one of the addresses is not an IP address, or the ca_file is bad.
    Endpoint(std::string_view url, EndpointOptions options);
    // With the default options. No default argument: inside of co_await, g++ 12 would destroy it twice.
    explicit Endpoint(std::string_view url);

    [[nodiscard]] const std::string& url() const noexcept;
    // Whether all addresses of the server are loopback addresses of this machine: 127.x.x.x or ::1.
    [[nodiscard]] bool is_loopback() const noexcept;

    // The same server, to which connections come from these addresses of this machine in turn, such as "127.0.0.2".
    // Each has ports of its own: one address reaches one server some 28,000 times (net.ipv4.ip_local_port_range).
    // Addresses of the server that are of another family than all of these are left out.
    // Throws std::runtime_error if one is no address, or no address of the server is left.
    [[nodiscard]] Endpoint from(const std::vector<std::string>& sources) const;

private:
    friend class ClientWebSocket;
    friend class Dialling;
    friend Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view);
    struct Data;

    explicit Endpoint(std::shared_ptr<const Data> data) noexcept : data_(std::move(data)) {}

    std::shared_ptr<const Data> data_;
};

// Connects, runs `view`, closes with 1000 when it returns, and waits for the end of the connection. Before it dials,
// and before it closes, it waits for its turn if too many do; see EndpointOptions::handshakes_at_once.
//
// An exception of the view closes with 1011, a stop with 1001, and both go on to the caller.
// Throws ConnectError, which names each address that was dialled if there were several; TimedOut if the handshake takes
// too long; and what the view throws.
Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view);

}  // namespace c10k
