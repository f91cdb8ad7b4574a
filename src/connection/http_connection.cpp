#include "connection/http_connection.hpp"

#include "connection/accepted_websocket.hpp"

#include <array>
#include <new>
#include <stdexcept>
#include <utility>

namespace c10k {
namespace {

constexpr std::size_t kPiecesAtOnce = 16;
// Answers to pipelined requests that the peer does not take: no more requests are read beyond it.
constexpr std::size_t kMostUnsent = 256 * 1024;
// Of a streamed body: its coroutine waits when more is unsent.
constexpr std::size_t kMostAhead = 64 * 1024;
// How long to wait for the peer's FIN after ours, reading what it still sends (RFC 9112, 9.6).
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::chrono::milliseconds kBodyInterval{1000};

// Lets the memory go too, which clear() and an assignment would keep.
void forget(std::string& text) noexcept { std::string{}.swap(text); }

}  // namespace

// A streamed answer, from its view's return to its last byte.
class HttpConnection::Stream final : public BodyWriter, private Completion {
public:
    Stream(HttpConnection& connection, Response response)
        : connection_(connection), response_(std::move(response)), task_(run()) {}

    void start() { task_.start(connection_.scope_, *this); }
    // The head has been sent.
    [[nodiscard]] bool has_begun() const noexcept { return begun_; }
    // Throws what the coroutine threw. Requires: it has ended.
    void result() { task_.result(); }
    // The peer has taken something.
    void on_sent() {
        if (waiting_ != nullptr && has_room()) {
            std::exchange(waiting_, nullptr)->resume();
        }
    }

    Task<void> write(std::string_view piece) override {
        if (connection_.lost_) {
            throw Stopped{};
        }
        check_alone();
        begin();
        if (is_chunked() && !piece.empty()) {
            connection_.append(wire::chunk_head(piece.size()));
            connection_.append(piece);
            connection_.append(wire::kChunkEnd);
        } else {
            connection_.append(piece);
        }
        return has_room() ? Task<>{} : wait_for_room();
    }

private:
    class RoomAwaiter final : public Awaiter {
    public:
        explicit RoomAwaiter(Stream& stream) noexcept : stream_(stream) {}
        [[nodiscard]] bool await_ready() const {
            stream_.check_alone();
            return stop_requested() || stream_.has_room();
        }
        void await_suspend(std::coroutine_handle<> task) noexcept {
            suspend(task);
            stream_.waiting_ = this;
        }
        void await_resume() const { throw_if_stopped(); }
        using Awaiter::resume;

    private:
        void on_stop() noexcept override {
            stream_.waiting_ = nullptr;
            resume();
        }

        Stream& stream_;
    };

    Task<> run() {
        co_await response_.body_stream(*this);
        if (connection_.lost_) {
            co_return;
        }
        begin();
        if (is_chunked()) {
            connection_.append(wire::kLastChunk);
        }
    }
    Task<> wait_for_room() { co_await RoomAwaiter{*this}; }

    // The head goes out with the first piece: a view that fails before can still be answered with an error page.
    void begin() {
        if (!begun_) {
            connection_.send_answer(response_);
            begun_ = true;
        }
    }
    [[nodiscard]] bool has_room() const noexcept { return connection_.outbox_.bytes() <= kMostAhead; }
    // Called when a write() begins, and again when it is awaited: two may begin before one waits.
    void check_alone() const {
        if (waiting_ != nullptr) {
            throw std::logic_error("another write() of this body is pending");
        }
    }
    [[nodiscard]] bool is_chunked() const noexcept { return connection_.parser_.minor_version() > 0; }

    void on_completed() noexcept override { connection_.on_stream_ended(); }

    HttpConnection& connection_;
    Response response_;
    Task<> task_;
    RoomAwaiter* waiting_ = nullptr;
    bool begun_ = false;
};

HttpConnection::HttpConnection(Server& server, SocketId socket, std::string peer, Census::Place place)
    : AcceptedConnection(server), Newcomer(server), loop_(server.loop()), socket_(socket), peer_(std::move(peer)),
      parser_(server.limits().http), place_(place) {
    loop_.backend().attach(socket_, *this);
    loop_.backend().start_receiving(socket_);
    start(server.limits().head_time);
}

HttpConnection::~HttpConnection() { server().census().leave(place_); }

void HttpConnection::turn_away() {
    const Response response = Response::text("The server is full.\n", 503);
    append(wire::to_bytes(response, {.keep_alive = false, .date = server().date()}));
    finish();
}

// ---- Requests

void HttpConnection::on_received(std::span<char> bytes) {
    if (phase_ == Phase::kFinishing) {
        return;
    }
    try {
        unread_.append(bytes.data(), bytes.size());
        if (phase_ == Phase::kReading) {
            read_requests();
        }
    } catch (const std::bad_alloc&) {
        end();  // others may go on with what this gives back
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
                count_failure();
                refuse(parser_.failure().status, parser_.failure().reason);
                return;
            case wire::RequestParser::State::kComplete: serve(); break;
            case wire::RequestParser::State::kBody:
                if (parser_.wants_continue() && !continued_) {
                    continued_ = true;
                    append(wire::kContinue);
                }
                if (state_before != wire::RequestParser::State::kBody) {
                    body_began_ = loop_.now();
                    time_body();
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
    settle();
    phase_ = Phase::kServing;
    last_ = !parser_.keep_alive() || server().is_closing();
    parser_.request().peer = peer_;
    parser_.request().is_secure = server().is_secure();
    Application::Answer answer = server().application().answer(parser_.request(), parser_.minor_version());
    if (auto* response = std::get_if<Response>(&answer)) {
        respond(std::move(*response));
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
    new AcceptedWebSocket{server(),           socket_, std::move(*match_), std::move(parser_.request()),
                          std::move(unread_), place_};
    place_ = Census::kNowhere;  // not before there is a connection that leaves it
    delete this;
}

void HttpConnection::on_completed() noexcept {
    try {
        answer_with_view();
    } catch (const std::bad_alloc&) {
        view_ = {};
        end();
    }
}

void HttpConnection::answer_with_view() {
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
        respond(std::move(response));
        read_requests();
    }
}

// Its head and perhaps some of its pieces have been sent. May end this object.
void HttpConnection::on_stream_ended() noexcept {
    try {
        finish_stream();
    } catch (const std::bad_alloc&) {
        end();
    }
}

void HttpConnection::finish_stream() {
    const std::unique_ptr<Stream> stream = std::move(stream_);
    if (lost_) {
        delete this;
        return;
    }
    try {
        stream->result();
        end_answer();
    } catch (...) {
        const std::exception_ptr failure = std::current_exception();
        if (stream->has_begun()) {
            server().application().on_stream_failed(parser_.request(), failure);
            end();
            return;
        }
        respond(server().application().on_view_failed(parser_.request(), failure));
    }
    read_requests();
}

// ---- Answers

// Answers the request at hand.
void HttpConnection::respond(Response response) {
    const Request& request = parser_.request();
    if (response.body_stream && parser_.minor_version() == 0) {
        last_ = true;  // only the end of the connection tells where the body ends
    }
    if (response.body_stream && request.method != "HEAD" && wire::has_body(response.status)) {
        loop_.backend().stop_receiving(socket_);
        stream_ = std::make_unique<Stream>(*this, std::move(response));
        set_deadline();
        stream_->start();
        return;
    }
    try {
        send_answer(response);
    } catch (const std::logic_error&) {  // a view's status or header that cannot be sent
        send_answer(server().application().on_view_failed(request, std::current_exception()));
    }
    end_answer();
}

// Sends a response, or the head of a streamed one. Throws std::logic_error if its status or headers cannot be sent.
void HttpConnection::send_answer(const Response& response) {
    const Request& request = parser_.request();
    wire::ResponseOptions options;
    options.head_only = request.method == "HEAD";
    options.keep_alive = !last_;
    options.minor_version = parser_.minor_version();
    options.date = server().date();
    if (response.body_stream) {
        options.framing = parser_.minor_version() == 0 ? wire::Framing::kUntilClose : wire::Framing::kChunked;
    }
    wire::require_final(response.status);
    const std::string bytes = wire::to_bytes(response, options);
    server().application().on_answered(request, response);
    append(bytes);
}

// The answer is complete: makes ready for the next request, if there may be one.
void HttpConnection::end_answer() {
    if (last_) {
        finish();
        return;
    }
    phase_ = Phase::kReading;
    continued_ = false;
    parser_.reset();
    set_deadline();
}

void HttpConnection::count_failure() {
    LimitCounters& counters = server().counters().limits;
    switch (parser_.failure().status) {
        case 413: counters.max_body_bytes.add(); break;
        case 414: counters.max_request_line_bytes.add(); break;
        case 431:
            (parser_.failure().reason == wire::kTooManyFields ? counters.max_header_fields : counters.max_head_bytes)
                .add();
            break;
        default: break;
    }
}

void HttpConnection::refuse(int status, std::string_view reason) {
    const Response response = server().application().on_bad_request(peer_, status, reason);
    append(wire::to_bytes(response, {.keep_alive = false, .date = server().date()}));
    finish();
}

void HttpConnection::append(std::string_view bytes) {
    const bool was_empty = outbox_.empty();
    outbox_.append(bytes);
    loop_.flush_later(*this, bytes.size());
    if (was_empty && stream_) {
        set_deadline();
    }
}

void HttpConnection::flush() {
    if (sending_ || outbox_.empty() || lost_) {
        return;
    }
    std::array<iovec, kPiecesAtOnce> pieces;
    const std::size_t taken = loop_.backend().send(socket_, outbox_.gather(pieces));
    sending_ = taken == 0;
    if (taken > 0) {
        on_taken(taken);
    }
}

void HttpConnection::on_sent(std::size_t bytes) {
    sending_ = false;
    on_taken(bytes);
}

// May end this object.
void HttpConnection::on_taken(std::size_t bytes) {
    outbox_.consume(bytes);
    if (!view_ && bytes > 0) {
        set_deadline();
    }
    if (stream_) {
        stream_->on_sent();
    }
    if (!outbox_.empty()) {
        loop_.flush_later(*this, outbox_.bytes());
    } else if (phase_ == Phase::kFinishing) {
        if (ended_) {
            end();
            return;
        }
        finish_sending();
    }
    if (phase_ == Phase::kReading || match_) {
        read_requests();
    }
}

// ---- The end

void HttpConnection::finish() {
    phase_ = Phase::kFinishing;
    forget(unread_);
    loop_.backend().start_receiving(socket_);
    if (outbox_.empty()) {
        finish_sending();
    } else {
        set_deadline();
    }
}

// All is sent.
void HttpConnection::finish_sending() {
    loop_.backend().finish_sending(socket_);
    start(ended_ ? std::chrono::milliseconds{0} : kLingerTime);
}

// What it waits for next, and how long.
void HttpConnection::set_deadline() {
    if (!outbox_.empty()) {
        start(server().limits().write_time);
    } else if (stream_) {
        cancel();  // it may take its time
    } else if (phase_ == Phase::kReading && !parser_.started()) {
        start(server().limits().idle_time);
    }
}

// The body is looked at when its grace is over, and from then on once a second.
void HttpConnection::time_body() {
    const ServerLimits& limits = server().limits();
    std::chrono::milliseconds next = limits.body_time - body_age();
    if (limits.min_body_rate > 0) {
        next = std::min(next, body_age() < limits.body_grace ? limits.body_grace - body_age() : kBodyInterval);
    }
    start(next);
}

std::chrono::milliseconds HttpConnection::body_age() const noexcept {
    return std::chrono::milliseconds{loop_.now() - body_began_};
}

bool HttpConnection::body_is_fast() noexcept {
    const std::uint64_t wanted = std::uint64_t{server().limits().min_body_rate} * body_age().count() / 1000;
    return body_age() < server().limits().body_grace || parser_.request().body.size() >= wanted;
}

void HttpConnection::on_time() {
    LimitCounters& counters = server().counters().limits;
    if (phase_ == Phase::kReading && outbox_.empty() && parser_.started()) {
        const bool is_body = parser_.state() == wire::RequestParser::State::kBody;
        const bool is_old = !is_body || body_age() >= server().limits().body_time;
        if (!is_old && body_is_fast()) {
            time_body();
            return;
        }
        (!is_body ? counters.head_time : is_old ? counters.body_time : counters.min_body_rate).add();
        refuse(408, "The request did not arrive in time.");
        return;
    }
    if (!outbox_.empty()) {
        counters.write_time.add();
    } else if (phase_ == Phase::kReading) {
        (is_newcomer() ? counters.head_time : counters.idle_time).add();
    }
    end();
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
    if (stream_) {
        scope_.request_stop();  // there is nobody to stream to
    } else if (!view_) {
        delete this;
    }
}

void HttpConnection::shut_down() {
    if (view_ || stream_) {
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

void HttpConnection::give_up() { end(); }

void HttpConnection::abort() {
    server().counters().limits.shutdown_time.add();
    scope_.request_stop();
    end();
}

}  // namespace c10k
