#pragma once

#include "base/log.hpp"
#include "c10k/http.hpp"
#include "c10k/message.hpp"
#include "c10k/timer.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace c10k {

// Logs the WebSockets of a server: a line for each while there are few, and one line per second for all when there are
// many. It returns to single lines after a second with few.
class WebSocketLog {
public:
    using Write = std::function<void(std::string_view line)>;
    enum class Detail { kSumWhenMany, kEach };

    // The most lines in a second.
    static constexpr std::size_t kMost = 20;

    WebSocketLog(Detail detail, Write write) : detail_(detail), write_(std::move(write)) {}

    // "WebSocket CONNECT /test/ws/ [127.0.0.1:1234]"
    void connected(std::string_view path, std::string_view peer);
    // "WebSocket DISCONNECT /test/ws/ 1000"
    void disconnected(std::string_view route, std::uint16_t code);
    // "WebSocket REJECT /test/ws/ 403 [127.0.0.1:1234]: members only"
    void rejected(std::string_view path, int status, std::string_view peer, std::string_view reason);

    // A second is over. Requires: called a second after the first line of each second in which there was one, and a
    // second later as long as is_in_sum().
    void end_second();
    // Whether the next line would only be counted; the seconds have to go on until it is not.
    [[nodiscard]] bool is_in_sum() const noexcept { return in_sum_; }

private:
    // Counts, and writes the line unless there are too many.
    void write(const std::string& line);

    Detail detail_;
    Write write_;
    std::size_t open_ = 0;
    std::size_t lines_ = 0;      // in this second, also the suppressed ones
    std::size_t connected_ = 0;  // of the suppressed ones
    std::size_t disconnected_ = 0;
    std::size_t rejected_ = 0;
    bool in_sum_ = false;
};

// The log of a server's requests and WebSockets, in Django's manner. Thread: that of its loop.
class AccessLog final : private Timer {
public:
    // 0: none, 1: WebSockets in sum when they are many, 2: all.
    explicit AccessLog(std::uint32_t verbosity);

    // "GET /test/ HTTP/1.1" 200 1234; "-" for the bytes of a streamed body
    void answered(const Request& request, const Response& response);
    void connected(const Request& request);
    void disconnected(std::string_view route, std::uint16_t code);
    // Bytes that were no request.
    void refused(std::string_view peer, int status, std::string_view reason);

private:
    void on_time() override;
    void time_second();

    std::uint32_t verbosity_;
    WebSocketLog sockets_;
};

}  // namespace c10k
