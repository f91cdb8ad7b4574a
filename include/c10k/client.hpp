#pragma once

#include "c10k/compression.hpp"
#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

// Which certificate a client of a wss:// URL accepts.
enum class Verify {
    kServer,   // who shows a good certificate for the URL's host, from an authority that is trusted
    kNothing,  // anybody: to develop with, and never where somebody could listen
};

// WebSockets that share connections of HTTP/2, each as a stream (RFC 8441). For a program with very many of them to one
// server: one packet carries the messages of many, and a WebSocket that is idle costs no socket. They also share what a
// connection suffers: a lost packet stops all of them until it has come again. The server has to allow it, and as many
// streams as are needed.
struct Http2 {
    // To the server, on each loop. WebSockets take them in turn, and 64 at a time when there are many.
    std::uint32_t connections = 1;
};

struct EndpointOptions {
    std::vector<std::string> subprotocols = {};  // in order of preference
    Headers headers = {};                        // more fields of the handshake, such as Origin or Cookie
    // From dialling to the end of the opening handshake.
    Duration handshake_time = std::chrono::seconds{30};
    // How many opening handshakes with the server, and how many closing ones, may be in flight at once on each loop.
    // Others wait for their turn, so that a crowd that comes or leaves together asks no more of either side than it can
    // do in time. The limit begins at 64 or below, and grows while handshakes are quick.
    std::uint32_t handshakes_at_once = 1024;
    // After this much silence of the server, the client pings it, and then after this much more aborts the connection.
    std::chrono::seconds ping_interval{20};
    std::chrono::seconds ping_timeout{20};
    // How long each step of a close may take: the answer to a close frame, and then the end of the TCP connection.
    std::chrono::milliseconds close_time{10'000};
    // connect() calls these with the time that a successful opening handshake took, and a closing one that it began,
    // both without the wait for its turn. They must not throw. Thread: that of the connection's loop.
    std::function<void(Duration)> on_opened = {};
    std::function<void(Duration)> on_closed = {};
    std::uint32_t max_message_bytes = 1024 * 1024;  // closed with 1009 beyond it; at most 1 GiB
    // Frames of one message of the server, which may be empty: closed with 1008 beyond it; 1 to 2^24 - 1.
    std::uint32_t max_fragments = 128 * 1024;
    Compression compression = Compression::kOff;  // is offered, and used if the server agrees
    Verify verify = Verify::kServer;
    // IP addresses of the URL's host to use instead of the resolver's; in order of preference.
    std::vector<std::string> addresses = {};
    // A PEM file with the certificates of the authorities to trust instead of this system's.
    std::string ca_file = {};
    // Empty: HTTP/1.1, and each WebSocket has a connection of its own. With a ws:// URL the server has to know HTTP/2
    // by itself (prior knowledge, RFC 9113, 3.3), with wss:// it says so in the TLS handshake (ALPN).
    std::optional<Http2> http2 = {};
};

// Where a WebSocket server is, parsed and resolved once for any number of connections. Cheap to copy.
//
// A host may have several addresses. A connection tries one, and the next one, of the other family if there is one,
// when that has failed or has not answered for 250 ms. It takes the first that answers and closes the others (RFC
// 8305). The next connection begins with the address that answered last.
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

    // The same server, with connections from these source addresses of this machine in turn, such as "127.0.0.2". Each
    // has ports of its own: one address can connect to one server about 28,000 times (net.ipv4.ip_local_port_range).
    // Drops server addresses of a family that has no source address. Throws std::runtime_error if one is not an
    // address, or no address of the server is left.
    [[nodiscard]] Endpoint from(const std::vector<std::string>& sources) const;

    // For the library.
    struct Data;

private:
    friend Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view);

    explicit Endpoint(std::shared_ptr<const Data> data) noexcept : data_(std::move(data)) {}

    std::shared_ptr<const Data> data_;
};

// Connects, runs `view`, closes with 1000 when it returns, and waits for the end of the connection. Before it connects,
// and before it closes, it waits for its turn if too many handshakes are in flight; see
// EndpointOptions::handshakes_at_once.
//
// An exception of the view closes with 1011, a stop with 1001, and both reach the caller.
Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view);

}  // namespace c10k
