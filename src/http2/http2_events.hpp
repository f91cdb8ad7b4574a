#pragma once

#include "c10k/limits.hpp"
#include "http2/http2_streams.hpp"
#include "loop/backend.hpp"
#include "wire/http2_frame.hpp"
#include "wire/http2_head.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace c10k {

// The limits and times of one HTTP/2 connection. They outlive it.
struct Http2Options : Http2Limits {
    std::uint32_t max_head_bytes = 16 * 1024;
    std::uint32_t max_header_fields = 100;
    // From the first frame of a head to its last, and from the connect to the peer's SETTINGS.
    std::chrono::milliseconds head_time{10'000};
    // How long the peer may be silent before it is sent a PING, and how long it has to answer.
    std::chrono::seconds ping_interval{20};
    std::chrono::seconds ping_timeout{20};
    // A server's: clients may open WebSockets (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441, 3).
    bool websockets = true;
};

// How an HTTP/2 connection has ended.
struct Http2Ending {
    enum class Kind : std::uint8_t {
        kFinished,   // one side has said GOAWAY, and all streams were done
        kLost,       // the connection broke: `error` says why; empty for a FIN
        kPeerFault,  // the peer broke a rule or a limit: `code` was in our GOAWAY
        kOurFault,   // the peer says so: `code` was in its GOAWAY
    };

    Kind kind = Kind::kFinished;
    wire::Http2Error code = wire::Http2Error::kNoError;
    std::error_code error = {};
    std::string_view reason = {};  // for the log; lives as long as the program
};

// The owner of an HTTP/2 connection. Backend::wait() makes these calls; each may make any call of the backend, close()
// and Http2Backend::close() too. None destroys the owner: see Loop::retire().
class Http2Events {
public:
    // A server's: the peer has opened a stream with a request. It is silent, and keeps its bytes, until attach() and
    // start_receiving(). The owner has to close() it in the end, as every socket.
    virtual void on_stream(SocketId stream, wire::Http2Head head, wire::Http2Body body) {
        static_cast<void>(stream);
        static_cast<void>(head);
        static_cast<void>(body);
    }
    // The peer's SETTINGS have come: allows_websockets() and free_streams() know.
    virtual void on_ready() {}
    // The peer says GOAWAY: no stream can be opened any more. Those that it will not serve have had on_failed(), with
    // Http2StreamError::kRefused: they may be tried again on another connection.
    virtual void on_goaway() {}
    // A limit of the options has struck, for the owner to count.
    virtual void on_limit(Limit limit) = 0;
    // The connection has ended. Its streams have had on_failed(). No event follows; the owner has to call
    // Http2Backend::close().
    virtual void on_ended(const Http2Ending& ending) = 0;

protected:
    ~Http2Events() = default;
};

// The owner of a stream that a client has opened.
class Http2StreamEvents : public SocketEvents {
public:
    // The server's answer; never one with a status below 200.
    virtual void on_head(wire::Http2Head head, wire::Http2Body body) = 0;

protected:
    ~Http2StreamEvents() = default;
};

}  // namespace c10k
