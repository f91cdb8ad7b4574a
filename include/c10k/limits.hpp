#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Limits on what a peer can make a server hold or wait for: plain data, one struct for each thing that a peer talks to.
//
// Settings inherits all of these fields, so that a setting, its default and the limit that the code reads are one. A
// row in src/web/setting_rows.cpp gives each field its bounds and its reason.
namespace c10k {

// The limits on HTTP requests and their answers.
struct HttpLimits {
    // Bytes of a request's first line. A longer one gets 414.
    std::uint32_t max_request_line_bytes = 8 * 1024;
    // Bytes of a request's head: its first line and all of its header fields. A larger one gets 431.
    std::uint32_t max_head_bytes = 16 * 1024;
    // Header fields of a request. More of them get 431.
    std::uint32_t max_header_fields = 100;
    // Bytes of a request's body, which the server holds in memory whole. A larger one gets 413. Does not apply to a
    // view that takes a BodyReader.
    std::uint32_t max_body_bytes = 1024 * 1024;
    // Bytes of a body that its view has not read from its BodyReader. The server reads no more until they are gone.
    std::uint32_t body_buffer_bytes = 64 * 1024;
    // From the first byte of a request (from the connect, for the first request) to the end of its head.
    std::chrono::milliseconds head_time{10'000};
    // From the end of the head to the end of the body. If the view takes a BodyReader: how long the client may send
    // nothing while the view waits.
    std::chrono::milliseconds body_time{30'000};
    // Bytes of a body per second, on average since the body began. A slower one gets 408. 0: only body_time limits it.
    // If the view takes a BodyReader, only the time in which the view waits counts.
    std::uint32_t min_body_rate = 500;
    // How long after a body began min_body_rate does not apply yet.
    std::chrono::milliseconds body_grace{5'000};
    // From the end of an answer to the next request on the same connection.
    std::chrono::milliseconds idle_time{75'000};
    // How long a client may take no byte of an answer.
    std::chrono::milliseconds write_time{30'000};
    // Bytes of an answer per second that a client takes, on average over write_time. 0: only write_time limits it.
    std::uint32_t min_response_rate = 500;
    // How long a view or a stream goes on for a client that has sent its FIN.
    std::chrono::milliseconds half_closed_time{5'000};
};

// The limits on one WebSocket. Servers use all of them; connect() takes some of them from EndpointOptions.
struct WebSocketLimits {
    // From a valid handshake to the view's answer. The server answers 503 after that.
    std::chrono::milliseconds handshake_time{10'000};
    // Bytes of a message, at most Message::kMaxSize. A larger one is closed with 1009.
    std::uint32_t max_message_bytes = 1024 * 1024;
    // Bytes of one frame of a fragmented message. A larger one is closed with 1009. 0: only max_message_bytes limits
    // it.
    std::uint32_t max_fragment_bytes = 0;
    // Frames of one message, which may all be empty. More of them are closed with 1008.
    std::uint32_t max_fragments = 128 * 1024;
    // From the first byte of a message to its last, while the server reads. Closed with 1008 after that.
    std::chrono::milliseconds message_time{120'000};
    // Bytes of messages that the view has not received. The server reads no more until half of them are gone.
    std::uint32_t inbox_bytes = 64 * 1024;
    // Bytes that the peer has not taken. send() waits until half of them are gone, and the server reads no more.
    std::uint32_t outbox_bytes = 64 * 1024;
    // Groups and handles do not wait: their peer is slow when its outbox has held more than slow_bytes for slow_time,
    // or holds more than slow_limit_bytes. The route's SlowMember says what happens then.
    std::uint32_t slow_bytes = 1024 * 1024;
    std::chrono::milliseconds slow_time{5'000};
    std::uint32_t slow_limit_bytes = 16 * 1024 * 1024;
    // How long a peer may be silent before it is sent a ping, and how long after the ping before it is given up.
    std::chrono::seconds ping_interval{20};
    std::chrono::seconds ping_timeout{20};
    // How long each step of a close may take: the answer to a close frame, and then the end of the TCP connection.
    std::chrono::milliseconds close_time{5'000};
};

// The limits on one HTTP/2 connection (RFC 9113), on either side.
struct Http2Limits {
    // Streams that the peer may have open at a time: requests and WebSockets. Further ones are refused.
    std::uint32_t max_streams = 100;
    // Bytes of one stream that its view has not taken, at most 2^31 - 1. The peer sends no more until some are gone.
    std::uint32_t stream_window_bytes = 65'535;
    // The same for all streams of a connection together.
    std::uint32_t connection_window_bytes = 1024 * 1024;
    // Streams per second that a peer may break off before they are answered, or make us break off by its mistakes; ten
    // times as many at once. Beyond it, the connection ends.
    std::uint32_t max_stream_resets = 100;
    // Frames per second that carry nothing, such as PING, SETTINGS and empty DATA, beyond those that its streams need;
    // ten times as many at once. Beyond it, the connection ends.
    std::uint32_t max_control_frames = 1'000;
};

// The limits on all that one server serves, with those on each of its connections.
struct ServerLimits : HttpLimits, WebSocketLimits, Http2Limits {
    // Connections that the kernel completes before the server accepts them.
    std::uint32_t backlog = 4096;
    // Clients at a time: connections of HTTP/1.1, WebSockets, and streams of HTTP/2. Others get 503.
    std::uint32_t max_connections = 1024 * 1024;
    // TCP connections at a time, those of HTTP/2 among them (0: as many as max_connections), and those from one address
    // (0: no limit). Others get 503.
    std::uint32_t max_tcp_connections = 0;
    std::uint32_t max_connections_per_address = 0;
    // Connections whose first request has not arrived in full. The server accepts no more while there are so many.
    std::uint32_t max_newcomers = 16 * 1024;
    // Proxies: addresses, networks or "unix:". The server believes what they say of their clients, and does not count
    // them by their address.
    std::vector<std::string> trusted_proxies = {};
    // Whether only these may connect, and begin each connection with a PROXY header.
    bool proxy_protocol = false;
    // The clients that may speak HTTP/2: "off" (none), "trusted" (only those in http2_trusted), or "on".
    std::string http2 = "off";
    std::vector<std::string> http2_trusted = {"127.0.0.0/8", "::1", "unix:"};
    // Bytes per connection that the kernel takes before it can send them.
    std::uint32_t kernel_unsent_bytes = 128 * 1024;
    // Bytes that other loops may have sent to a loop that has not read them. Messages beyond it are lost.
    std::uint32_t mailbox_bytes = 64 * 1024 * 1024;
    // How long a peer's machine may leave TCP's keepalive probes unanswered.
    std::chrono::seconds keepalive_time{60};
    // From the end of the grace of Server::close() to the end of the last connection.
    std::chrono::milliseconds shutdown_time{8'000};
    // Connections per second, over all loops, that a closing server tells to end; more if half of shutdown_time would
    // not be enough.
    std::uint32_t drain_rate = 10'000;
};

// The limits on functions of run_blocking(), over all loops.
struct BlockingLimits {
    // Threads that run them.
    std::uint32_t blocking_threads = 32;
    // More of them that wait for a thread. Beyond it, run_blocking() throws BlockingQueueFull.
    std::uint32_t blocking_queue = 16 * 1024;
};

// The limits whose strikes are counted. Each is named like its field and counted under its setting's name.
enum class Limit : std::uint8_t {
    kMaxConnections,
    kMaxTcpConnections,
    kMaxConnectionsPerAddress,
    kMaxNewcomers,
    kMaxRequestLineBytes,
    kMaxHeadBytes,
    kMaxHeaderFields,
    kMaxBodyBytes,
    kBodyBufferBytes,  // the server stopped reading for a while
    kHeadTime,
    kBodyTime,
    kMinBodyRate,
    kIdleTime,
    kWriteTime,
    kMinResponseRate,
    kShutdownTime,
    kHandshakeTime,
    kMaxMessageBytes,
    kMaxFragmentBytes,
    kMaxFragments,
    kMessageTime,
    kInboxBytes,   // the server stopped reading for a while
    kOutboxBytes,  // the same
    kSlowTime,
    kSlowLimitBytes,
    kMailboxBytes,  // members of a group on this loop have lost messages
    kPingTimeout,
    kBlockingQueue,
    kCloseTime,
    kMaxStreams,
    kConnectionWindowBytes,  // the streams of a connection had to wait for those that nobody reads
    kMaxStreamResets,
    kMaxControlFrames,
    kCount,  // no limit, but how many there are: stays last
};
inline constexpr auto kLimitCount = static_cast<std::size_t>(Limit::kCount);

}  // namespace c10k
