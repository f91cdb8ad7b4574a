#include "connection/http_connection.hpp"

#include "connection/accepted_websocket.hpp"

#include <array>

namespace c10k {
namespace {

constexpr std::size_t kPiecesAtOnce = 16;
// Answers to pipelined requests that the peer does not take: no more requests are read beyond it.
constexpr std::size_t kMostUnsent = 256 * 1024;
// How long to wait for the peer's FIN after ours, reading what it still sends (RFC 9112, 9.6).
constexpr std::chrono::seconds kLingerTime{2};

// Lets the memory go too, which clear() and an assignment would keep.
void forget(std::string& text) noexcept { std::string{}.swap(text); }

}  // namespace

HttpConnection::HttpConnection(Server& server, SocketId socket, std::string peer)
    : AcceptedConnection(server), loop_(server.loop()), socket_(socket), peer_(std::move(peer)),
      parser_(server.limits().http) {
    loop_.backend().attach(socket_, *this);
    loop_.backend().start_receiving(socket_);
    start(server.limits().head_time);
}

HttpConnection::~HttpConnection() = default;

// ---- Requests

void HttpConnection::on_received(std::span<char> bytes) {
    if (phase_ == Phase::kFinishing) {
        return;
    }
    unread_.append(bytes.data(), bytes.size());
    if (phase_ == Phase::kReading) {
        read_requests();
    }
}

// Reads and answers until there is nothing more to read, or too much to send. May end this object.
void HttpConnection::read_requests() {
    std::size_t read = 0;
    while (phase_ == Phase::kReading && read < unread_.size() && outbox_.bytes() <= kMostUnsent) {
        const bool was_started = parser_.started();
        const auto state_before = parser_.state();
        read += parser_.receive(std::string_view{unread_}.substr(read));
        switch (parser_.state()) {
            case wire::RequestParser::State::kFailed:
                refuse(parser_.failure().status, parser_.failure().reason);
                return;
            case wire::RequestParser::State::kComplete: serve(); break;
            case wire::RequestParser::State::kBody:
                if (parser_.wants_continue() && !continued_) {
                    continued_ = true;
                    outbox_.append(wire::kContinue);
                    loop_.flush_later(*this, wire::kContinue.size());
                }
                if (state_before != wire::RequestParser::State::kBody) {
                    start(server().limits().body_time);
                }
                break;
            case wire::RequestParser::State::kHead:
                if (!was_started) {
                    start(server().limits().head_time);  // absolute: a byte now and then does not move it
                }
                break;
        }
    }
    if (read < unread_.size()) {
        unread_.erase(0, read);
    } else {
        forget(unread_);
    }
    if (match_ && outbox_.empty()) {
        become_websocket();
    } else if (phase_ == Phase::kReading) {
        read_on_or_pause();
    }
}

// What was read has been answered as far as the peer takes answers. May end this object.
void HttpConnection::read_on_or_pause() {
    if (outbox_.bytes() > kMostUnsent) {
        loop_.backend().stop_receiving(socket_);
    } else if (!ended_) {
        loop_.backend().start_receiving(socket_);
    } else if (outbox_.empty()) {
        end();
    } else {
        finish();
    }
}

void HttpConnection::serve() {
    cancel();
    phase_ = Phase::kServing;
    last_ = !parser_.keep_alive() || server().is_closing();
    parser_.request().peer = peer_;
    Application::Answer answer = server().application().answer(parser_.request(), parser_.minor_version());
    if (auto* response = std::get_if<Response>(&answer)) {
        respond(*response);
        return;
    }
    loop_.backend().stop_receiving(socket_);
    if (auto* view = std::get_if<Task<Response>>(&answer)) {
        view_ = std::move(*view);
        view_.start(scope_, *this);
        return;
    }
    match_ = std::get<WebSocketMatch>(std::move(answer));
    set_deadline();
}

// Hands the socket over. Ends this object.
void HttpConnection::become_websocket() {
    new AcceptedWebSocket{server(), socket_, std::move(*match_), std::move(parser_.request()), std::move(unread_)};
    delete this;
}

void HttpConnection::on_completed() noexcept {
    Response response;
    try {
        response = view_.result();
    } catch (const Stopped&) {
        response = Response::text("The server is shutting down.\n", 503);
    } catch (...) {
        response = server().application().on_view_failed(parser_.request(), std::current_exception());
    }
    view_ = {};
    if (lost_) {
        delete this;
    } else {
        respond(response);
        read_requests();
    }
}

// ---- Answers

// Sends the answer to the request at hand, and makes ready for the next one.
void HttpConnection::respond(const Response& response) {
    const Request& request = parser_.request();
    wire::ResponseOptions options;
    options.head_only = request.method == "HEAD";
    options.keep_alive = !last_;
    options.minor_version = parser_.minor_version();
    options.date = server().date();
    std::string bytes;
    try {
        bytes = wire::to_bytes(response, options);
        server().application().on_answered(request, response);
    } catch (const std::logic_error&) {  // a view's header that cannot be sent
        const Response failed = server().application().on_view_failed(request, std::current_exception());
        bytes = wire::to_bytes(failed, options);
        server().application().on_answered(request, failed);
    }
    outbox_.append(bytes);
    loop_.flush_later(*this, bytes.size());
    if (last_) {
        finish();
        return;
    }
    phase_ = Phase::kReading;
    continued_ = false;
    parser_.reset();
    set_deadline();
}

void HttpConnection::refuse(int status, std::string_view reason) {
    const Response response = server().application().on_bad_request(peer_, status, reason);
    const std::string bytes = wire::to_bytes(response, {.keep_alive = false, .date = server().date()});
    outbox_.append(bytes);
    loop_.flush_later(*this, bytes.size());
    finish();
}

void HttpConnection::flush() {
    if (sending_ || outbox_.empty() || lost_) {
        return;
    }
    std::array<iovec, kPiecesAtOnce> pieces;
    sending_ = true;
    loop_.backend().send(socket_, outbox_.gather(pieces));  // which may end this object
}

void HttpConnection::on_sent(std::size_t bytes) {
    sending_ = false;
    outbox_.consume(bytes);
    if (!view_ && bytes > 0) {
        set_deadline();
    }
    if (!outbox_.empty()) {
        loop_.flush_later(*this, outbox_.bytes());
    } else if (phase_ == Phase::kFinishing) {
        if (ended_) {
            end();
            return;
        }
        loop_.backend().finish_sending(socket_);
        start(kLingerTime);
    }
    if (phase_ == Phase::kReading || match_) {
        read_requests();
    }
}

// ---- The end

void HttpConnection::finish() {
    phase_ = Phase::kFinishing;
    forget(unread_);
    set_deadline();
    loop_.backend().start_receiving(socket_);
}

// What it waits for next, and how long.
void HttpConnection::set_deadline() {
    if (!outbox_.empty()) {
        start(server().limits().write_time);
    } else if (phase_ == Phase::kReading && !parser_.started()) {
        start(server().limits().idle_time);
    }
}

void HttpConnection::on_time() {
    if (phase_ == Phase::kReading && outbox_.empty() && parser_.started()) {
        refuse(408, "The request did not arrive in time.");
    } else {
        end();
    }
}

void HttpConnection::on_end() {
    ended_ = true;  // and may still wait for answers
    if (phase_ == Phase::kReading) {
        read_requests();
    } else if (phase_ == Phase::kFinishing && outbox_.empty()) {
        end();
    }
}

void HttpConnection::on_failed(std::error_code /*error*/) { end(); }

void HttpConnection::end() {
    if (!lost_) {
        loop_.backend().close(socket_, outbox_.release());
        lost_ = true;
    }
    if (!view_) {
        delete this;
    }
}

void HttpConnection::shut_down() {
    if (view_) {
        last_ = true;
    } else if (phase_ != Phase::kFinishing) {
        match_.reset();
        if (outbox_.empty()) {
            end();
        } else {
            finish();
        }
    }
}

void HttpConnection::abort() {
    scope_.request_stop();
    end();
}

}  // namespace c10k
