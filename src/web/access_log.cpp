#include "web/access_log.hpp"

#include <algorithm>
#include <chrono>

namespace c10k {
namespace {

// 1204 as "1,204".
std::string with_commas(std::size_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

// The reason for this answer to a handshake; empty if none is known.
std::string_view reason_of(const Response& response) {
    constexpr std::size_t kLongest = 200;
    std::string_view reason = response.log_note;
    if (reason.empty() && response.headers.get("Content-Type").value_or("").starts_with("text/plain")) {
        reason = response.body;
    }
    return reason.substr(0, std::min(reason.find_first_of("\r\n"), kLongest));
}

std::string in_brackets(std::string_view peer) { return " [" + std::string{peer} + ']'; }

}  // namespace

// ---- WebSocketLog

void WebSocketLog::connected(std::string_view path, std::string_view peer) {
    ++open_;
    ++connected_;
    write("WebSocket CONNECT " + std::string{path} + in_brackets(peer));
}

void WebSocketLog::disconnected(std::string_view route, std::uint16_t code) {
    --open_;
    ++disconnected_;
    write("WebSocket DISCONNECT " + std::string{route} + ' ' + std::to_string(code));
}

void WebSocketLog::rejected(std::string_view path, int status, std::string_view peer, std::string_view reason) {
    ++rejected_;
    write("WebSocket REJECT " + std::string{path} + ' ' + std::to_string(status) + in_brackets(peer) +
          (reason.empty() ? "" : ": ") + std::string{reason});
}

void WebSocketLog::write(const std::string& line) {
    if (++lines_ > kMost && detail_ == Detail::kSumWhenMany) {
        in_sum_ = true;
    }
    if (!in_sum_) {
        connected_ = disconnected_ = rejected_ = 0;
        write_(line);
    }
}

void WebSocketLog::end_second() {
    if (in_sum_ && lines_ > 0) {
        write_("WebSockets: +" + with_commas(connected_) + " -" + with_commas(disconnected_) + ", " +
               with_commas(open_) + " open" + (rejected_ > 0 ? ", " + with_commas(rejected_) + " rejected" : ""));
    }
    in_sum_ = in_sum_ && lines_ > kMost;
    lines_ = connected_ = disconnected_ = rejected_ = 0;
}

// ---- AccessLog

AccessLog::AccessLog(std::uint32_t verbosity)
    : verbosity_(verbosity),
      sockets_(verbosity > 1 ? WebSocketLog::Detail::kEach : WebSocketLog::Detail::kSumWhenMany, &log::info) {}

void AccessLog::answered(const Request& request, const Response& response) {
    if (verbosity_ == 0) {
        return;
    }
    if (request.headers.has_token("Upgrade", "websocket")) {
        time_second();
        sockets_.rejected(request.target, response.status, request.peer, reason_of(response));
        return;
    }
    const std::optional<std::size_t> size = response.body_stream ? response.stream_bytes : response.body.size();
    const std::string bytes = size ? std::to_string(*size) : "-";
    const std::string version = request.major_version == 2 ? "HTTP/2" : "HTTP/1.1";
    const std::string line = '"' + request.method + ' ' + request.target + ' ' + version + "\" " +
                             std::to_string(response.status) + ' ' + bytes;
    if (response.status >= 500) {
        log::error(line);
    } else if (response.status >= 400) {
        log::warning(line);
    } else {
        log::info(line);
    }
}

void AccessLog::connected(const Request& request) {
    if (verbosity_ > 0) {
        time_second();
        sockets_.connected(request.target, request.peer);
    }
}

void AccessLog::disconnected(std::string_view route, std::uint16_t code) {
    if (verbosity_ > 0) {
        time_second();
        sockets_.disconnected(route, code);
    }
}

void AccessLog::refused(std::string_view peer, int status, std::string_view reason) {
    if (verbosity_ > 0) {
        log::warning("Bad request " + std::to_string(status) + in_brackets(peer) + ": " + std::string{reason});
    }
}

void AccessLog::on_time() {
    sockets_.end_second();
    if (sockets_.is_in_sum()) {
        time_second();
    }
}

void AccessLog::time_second() {
    if (!is_running()) {
        start(std::chrono::seconds{1});
    }
}

}  // namespace c10k
