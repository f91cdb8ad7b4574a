#include "server/http1_connection.hpp"

#include "server/server_websocket.hpp"
#include "wire/response_writer.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace c10k {
namespace {

// Answers to pipelined requests that the peer does not take: no more requests are read beyond it.
constexpr std::size_t kMaxUnsent = 256 * 1024;
// Requests behind one whose view or stream runs, as much as one read brings. With more, none of them will be answered,
// and the client asks again (RFC 9112, 9.3.2): to stop reading would be to miss the client's end.
constexpr std::size_t kMaxUnread = 256 * 1024;
// Of a streamed body: its coroutine waits when more is unsent.
constexpr std::size_t kMaxAhead = 64 * 1024;
// How long to wait for the peer's FIN after ours, reading what it still sends (RFC 9112, 9.6).
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::chrono::milliseconds kBodyInterval{1000};

// Lets the memory go too, which clear() and an assignment would keep.
void forget(std::string& text) noexcept { std::string{}.swap(text); }

}  // namespace

// A streamed answer, from its view's return to its last byte.
class Http1Connection::Stream final : public Retirable, public BodyWriter, private Completion {
public:
    Stream(Http1Connection& connection, Response response)
        : connection_(connection), response_(std::move(response)), task_(run()) {}

    void start() { task_.start(connection_.scope_, *this); }
    // The head has been sent.
    [[nodiscard]] bool has_begun() const noexcept { return begun_; }
    // Returns what the coroutine threw, and lets go of all that belongs to the view. Requires: the coroutine has ended.
    std::exception_ptr end() noexcept {
        std::exception_ptr failure;
        try {
            task_.result();
        } catch (...) {
            failure = std::current_exception();
        }
        task_ = {};
        response_ = {};
        return failure;
    }
    // The peer has taken something.
    void on_sent() {
        if (waiting_ != nullptr && has_room()) {
            std::exchange(waiting_, nullptr)->resume();
        }
    }

    Task<void> write(std::string_view piece) override {
        if (connection_.is_gone()) {
            throw Stopped{};
        }
        check_alone();
        if (response_.stream_bytes && piece.size() > *response_.stream_bytes - written_) {
            throw std::logic_error("a streamed body is longer than its stream_bytes");
        }
        begin();
        written_ += piece.size();
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
        if (connection_.is_gone()) {
            co_return;
        }
        begin();
        if (is_chunked()) {
            connection_.append(wire::kLastChunk);
        } else if (written_ != response_.stream_bytes.value_or(written_)) {
            throw std::runtime_error("a streamed body is shorter than its stream_bytes");
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
    [[nodiscard]] bool has_room() const noexcept { return connection_.outbox_.bytes() <= kMaxAhead; }
    // Called when a write() begins, and again when it is awaited: two may begin before one waits.
    void check_alone() const {
        internal::require(waiting_ == nullptr, "write(): another write() of this body is pending");
    }
    [[nodiscard]] bool is_chunked() const noexcept {
        return connection_.parser_.minor_version() > 0 && !response_.stream_bytes;
    }

    void on_completed() noexcept override { connection_.on_stream_ended(); }

    Http1Connection& connection_;
    Response response_;
    Task<> task_;
    RoomAwaiter* waiting_ = nullptr;
    std::size_t written_ = 0;  // bytes of the body
    bool begun_ = false;
};

Http1Connection::Http1Connection(Server& server, SocketId socket, const Address& client, Admission::AddressSlot slot)
    : SocketStream(server.services(), socket), server_(server), pending_(server.pending_connections(), *this, client),
      peer_(client.text()), parser_(server.limits()), address_slot_(slot) {
    due_.fill(kNever);
    resume_reading();
    wait_for(Wait::kRequest, server.limits().head_time);
}

Http1Connection::~Http1Connection() = default;

void Http1Connection::reject() {
    const Response response = Response::text("The server is full.\n", 503);
    append(wire::to_bytes(response, {.keep_alive = false, .date = server_.date()}));
    finish();
}

// ---- Requests

void Http1Connection::on_received(std::span<char> bytes) {
    if (phase_ == Phase::kFinishing || (is_running() && last_)) {
        return;
    }
    try {
        unread_.append(bytes.data(), bytes.size());
        if (phase_ == Phase::kReading) {
            read_requests();
        } else if (is_running()) {
            watch_for_end();
        }
    } catch (const std::bad_alloc&) {
        abort();  // others may go on with what this gives back
    }
}

// Reads and answers until there is nothing more to read, or too much to send.
void Http1Connection::read_requests() {
    std::size_t read = 0;
    while (phase_ == Phase::kReading && read < unread_.size() && outbox_.bytes() <= kMaxUnsent) {
        const bool was_started = parser_.started();
        const auto state_before = parser_.state();
        read += parser_.receive(std::string_view{unread_}.substr(read));
        switch (parser_.state()) {
            case wire::RequestParser::State::kFailed:
                count_failure();
                refuse(parser_.failure().status(), parser_.failure().reason);
                return;
            case wire::RequestParser::State::kComplete: serve(); break;
            case wire::RequestParser::State::kBody:
                if (parser_.wants_continue() && !continued_) {
                    continued_ = true;
                    append(wire::kContinue);
                }
                if (state_before != wire::RequestParser::State::kBody) {
                    body_began_ = loop().now();
                    time_body();
                }
                break;
            case wire::RequestParser::State::kHead:
                if (!was_started) {
                    stop_waiting_for(Wait::kIdle);
                    wait_for(Wait::kRequest, server_.limits().head_time);  // a byte now and then does not move it
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
    } else if (is_running()) {
        watch_for_end();
    }
}

// What was read has been answered as far as the peer takes answers.
void Http1Connection::read_on_or_pause() {
    if (outbox_.bytes() > kMaxUnsent) {
        pause_reading();
        stop_waiting_for(Wait::kRequest);  // it is us who do not read
        paused_ = true;
        return;
    }
    if (std::exchange(paused_, false) && parser_.started()) {
        body_began_ = loop().now();
        if (parser_.state() == wire::RequestParser::State::kBody) {
            time_body();
        } else {
            wait_for(Wait::kRequest, server_.limits().head_time);
        }
    }
    if (!has_ended()) {
        resume_reading();
    } else if (outbox_.empty()) {
        abort();
    } else {
        finish();
    }
}

void Http1Connection::watch_for_end() {
    if (unread_.size() > kMaxUnread) {
        forget(unread_);
        last_ = true;
    }
    if (!has_ended()) {
        resume_reading();
    } else if (due(Wait::kHalfClosed) == kNever) {
        wait_for(Wait::kHalfClosed, server_.limits().half_closed_time);
    }
}

// Most who have finished sending have gone; a few wait for an answer, and have had the time for it.
void Http1Connection::on_peer_gone() {
    if (stream_ && !outbox_.empty()) {
        wait_for(Wait::kHalfClosed, server_.limits().half_closed_time);  // it has something to take, in the write time
    } else {
        stop_waiting_for(Wait::kHalfClosed);
        scope_.request_stop();
    }
}

void Http1Connection::serve() {
    stop_waiting_for(Wait::kRequest);
    stop_waiting_for(Wait::kIdle);
    pending_.note_request();
    phase_ = Phase::kServing;
    last_ = !parser_.keep_alive() || server_.is_closing();
    parser_.request().peer = peer_;
    parser_.request().is_secure = server_.is_secure();
    if (is_misdirected()) {
        respond(Response::text("This server does not serve that scheme here.\n", 421));
        return;
    }
    Application::Answer answer = server_.application().answer(parser_.request(), parser_.minor_version());
    if (auto* response = std::get_if<Response>(&answer)) {
        respond(std::move(*response));
        return;
    }
    if (auto* view = std::get_if<Task<Response>>(&answer)) {
        view_ = std::move(*view);
        view_.start(scope_, *this);
        return;
    }
    pause_reading();
    match_ = std::get<WebSocketMatch>(std::move(answer));
}

// Whether the target says https and the request did not come so, or the other way round (RFC 9110, 7.4).
bool Http1Connection::is_misdirected() {
    const bool is_secure = parser_.scheme() == wire::TargetScheme::kHttps;
    return parser_.scheme() != wire::TargetScheme::kNone &&
           is_secure != server_.application().came_securely(parser_.request());
}

void Http1Connection::become_websocket() {
    server_.connections().emplace<ServerWebSocket>(server_, socket(), std::move(*match_), std::move(parser_.request()),
                                                   std::move(unread_), address_slot_);
    hand_over();
    address_slot_ = Admission::kUncounted;  // not before there is a connection that releases it
    retire();
}

void Http1Connection::on_completed() noexcept {
    try {
        answer_with_view();
    } catch (const std::bad_alloc&) {
        view_ = {};
        end_with_view();
    }
}

void Http1Connection::answer_with_view() {
    Response response;
    bool is_stopped = false;
    try {
        response = view_.result();
    } catch (const Stopped&) {
        is_stopped = scope_.stop_requested();  // since nobody is there to be answered
        response = Response::text("The server is shutting down.\n", 503);
    } catch (...) {
        response = server_.application().on_view_failed(parser_.request(), std::current_exception());
    }
    view_ = {};
    stop_waiting_for(Wait::kHalfClosed);
    if (is_gone() || is_stopped) {
        end_with_view();
    } else {
        respond(std::move(response));
        read_requests();
    }
}

// Its head and perhaps some of its pieces have been sent.
void Http1Connection::on_stream_ended() noexcept {
    try {
        finish_stream();
    } catch (const std::bad_alloc&) {
        abort();
    }
}

void Http1Connection::finish_stream() {
    const bool has_begun = stream_->has_begun();
    std::exception_ptr failure = stream_->end();
    loop().retire(std::move(stream_));
    stop_waiting_for(Wait::kHalfClosed);
    if (is_gone()) {
        retire();
        return;
    }
    try {
        if (failure) {
            std::rethrow_exception(failure);
        }
        end_answer();
    } catch (const Stopped&) {
        if (scope_.stop_requested()) {
            abort();
            return;
        }
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure && has_begun) {
        server_.application().on_stream_failed(parser_.request(), failure);
        abort();
        return;
    }
    if (failure) {
        respond(server_.application().on_view_failed(parser_.request(), failure));
    }
    read_requests();
}

// ---- Answers

// Answers the request at hand.
void Http1Connection::respond(Response response) {
    const Request& request = parser_.request();
    if (response.body_stream && !response.stream_bytes && parser_.minor_version() == 0) {
        last_ = true;  // only the end of the connection tells where the body ends
    }
    if (response.body_stream && request.method != "HEAD" && wire::has_body(response.status)) {
        stream_ = std::make_unique<Stream>(*this, std::move(response));
        stream_->start();
        return;
    }
    try {
        send_answer(response);
    } catch (const std::logic_error&) {  // a view's status or header that cannot be sent
        send_answer(server_.application().on_view_failed(request, std::current_exception()));
    }
    end_answer();
}

// Sends a response, or the head of a streamed one. Throws std::logic_error if its status or headers cannot be sent.
void Http1Connection::send_answer(const Response& response) {
    const Request& request = parser_.request();
    wire::ResponseOptions options;
    options.head_only = request.method == "HEAD";
    options.keep_alive = !last_;
    options.minor_version = parser_.minor_version();
    options.date = server_.date();
    if (response.body_stream && !response.stream_bytes) {
        options.framing = parser_.minor_version() == 0 ? wire::Framing::kUntilClose : wire::Framing::kChunked;
    }
    wire::require_final(response.status);
    const std::string bytes = wire::to_bytes(response, options);
    server_.application().on_answered(request, response);
    append(bytes);
}

// The answer is complete: makes ready for the next request, if there may be one.
void Http1Connection::end_answer() {
    if (last_) {
        finish();
        return;
    }
    phase_ = Phase::kReading;
    continued_ = false;
    parser_.reset();
    await_next_request();
}

void Http1Connection::count_failure() {
    Counters& counters = server_.counters();
    switch (parser_.failure().kind) {
        case wire::HttpFailure::Kind::kFirstLineTooLong: counters.count(Limit::kMaxRequestLineBytes); break;
        case wire::HttpFailure::Kind::kHeadTooLarge: counters.count(Limit::kMaxHeadBytes); break;
        case wire::HttpFailure::Kind::kTooManyFields: counters.count(Limit::kMaxHeaderFields); break;
        case wire::HttpFailure::Kind::kBodyTooLarge: counters.count(Limit::kMaxBodyBytes); break;
        default: break;
    }
}

void Http1Connection::refuse(int status, std::string_view reason) {
    const Response response = server_.application().on_bad_request(peer_, status, reason);
    append(wire::to_bytes(response, {.keep_alive = false, .date = server_.date()}));
    finish();
}

void Http1Connection::append(std::string_view bytes) {
    const bool was_empty = outbox_.empty();
    outbox_.append(bytes);
    flush_soon(bytes.size());
    if (was_empty && !outbox_.empty()) {
        stop_waiting_for(Wait::kIdle);
        time_taking(0);
    }
}

void Http1Connection::on_written(std::size_t bytes) {
    if (bytes > 0) {
        time_taking(bytes);
        await_next_request();
    }
    if (stream_) {
        stream_->on_sent();
    }
    if (outbox_.empty() && phase_ == Phase::kFinishing) {
        if (has_ended()) {
            abort();
            return;
        }
        linger();
    }
    if (phase_ == Phase::kReading || match_) {
        read_requests();
    }
}

// ---- The end

void Http1Connection::finish() {
    phase_ = Phase::kFinishing;
    forget(unread_);
    stop_waiting_for(Wait::kRequest);
    stop_waiting_for(Wait::kIdle);
    resume_reading();
    if (outbox_.empty()) {
        linger();
    }
}

void Http1Connection::linger() {
    shutdown_write();
    wait_for(Wait::kLinger, has_ended() ? std::chrono::milliseconds{0} : kLingerTime);
}

// ---- Deadlines

void Http1Connection::wait_for(Wait what, std::chrono::milliseconds time) {
    wait_until(what, loop().backend().now() + time.count());
}

// One timer for all: it fires at the first.
void Http1Connection::wait_until(Wait what, std::int64_t due) {
    due_[static_cast<std::size_t>(what)] = due;
    const std::int64_t first = *std::min_element(due_.begin(), due_.end());
    if (first == armed_) {
        return;
    }
    armed_ = first;
    if (first == kNever) {
        cancel();
    } else {
        start(std::chrono::milliseconds{first - loop().backend().now()});
    }
}

// The next request may take the idle time, once the answers are taken.
void Http1Connection::await_next_request() {
    if (outbox_.empty() && phase_ == Phase::kReading && !parser_.started()) {
        wait_for(Wait::kIdle, server_.limits().idle_time);
    }
}

// A peer may take nothing for the write time. What it takes pays at the least rate for the time that follows, up to the
// write time: the kernel takes much at once, and what it has taken says nothing about the peer for long.
void Http1Connection::time_taking(std::size_t taken_bytes) {
    if (taken_bytes > 0 && stream_ && due(Wait::kHalfClosed) != kNever) {
        wait_for(Wait::kHalfClosed, server_.limits().half_closed_time);  // it reads, although it has nothing to say
    }
    if (outbox_.empty()) {
        stop_waiting_for(Wait::kTaking);
        stop_waiting_for(Wait::kTakingFast);
        return;
    }
    const ServerLimits& limits = server_.limits();
    const std::int64_t latest = loop().backend().now() + limits.write_time.count();
    wait_until(Wait::kTaking, latest);
    if (limits.min_response_rate > 0) {
        const auto paid = static_cast<std::int64_t>(std::uint64_t{taken_bytes} * 1000 / limits.min_response_rate);
        const std::int64_t paid_until = due(Wait::kTakingFast);
        wait_until(Wait::kTakingFast, paid_until == kNever ? latest : std::min(paid_until + paid, latest));
    }
}

// The body is looked at when its grace is over, and from then on once a second.
void Http1Connection::time_body() {
    const ServerLimits& limits = server_.limits();
    std::chrono::milliseconds next = limits.body_time - body_age();
    if (limits.min_body_rate > 0) {
        next = std::min(next, body_age() < limits.body_grace ? limits.body_grace - body_age() : kBodyInterval);
    }
    wait_for(Wait::kRequest, next);
}

std::chrono::milliseconds Http1Connection::body_age() const noexcept {
    return std::chrono::milliseconds{loop().now() - body_began_};
}

bool Http1Connection::body_is_fast() noexcept {
    const std::uint64_t wanted = std::uint64_t{server_.limits().min_body_rate} * body_age().count() / 1000;
    return body_age() < server_.limits().body_grace || parser_.request().body.size() >= wanted;
}

void Http1Connection::on_time() {
    armed_ = kNever;
    const auto is_due = [this](Wait what) { return due(what) <= loop().now(); };
    Counters& counters = server_.counters();
    if (is_due(Wait::kRequest)) {
        on_request_late();
    } else if (is_due(Wait::kTaking)) {
        counters.count(Limit::kWriteTime);
        abort();
    } else if (is_due(Wait::kTakingFast)) {
        counters.count(Limit::kMinResponseRate);
        server_.warn_of(peer_, "cut off", "they take their answers more slowly than min_response_rate");
        abort();
    } else if (is_due(Wait::kIdle)) {
        counters.count(Limit::kIdleTime);
        abort();
    } else if (is_due(Wait::kHalfClosed)) {
        on_peer_gone();
    } else if (is_due(Wait::kLinger)) {
        abort();
    } else {
        wait_until(Wait::kLinger, due(Wait::kLinger));  // a deadline has moved since
    }
}

void Http1Connection::on_request_late() {
    Counters& counters = server_.counters();
    const bool is_body = parser_.state() == wire::RequestParser::State::kBody;
    const bool is_old = !is_body || body_age() >= server_.limits().body_time;
    if (!is_old && body_is_fast()) {
        time_body();
        return;
    }
    counters.count(!is_body ? Limit::kHeadTime : is_old ? Limit::kBodyTime : Limit::kMinBodyRate);
    if (parser_.started()) {
        refuse(408, "The request did not arrive in time.");
    } else {
        abort();
    }
}

// The peer may still wait for answers.
void Http1Connection::on_fin() {
    if (phase_ == Phase::kReading) {
        read_requests();
    } else if (is_running()) {
        watch_for_end();
    } else if (phase_ == Phase::kFinishing && outbox_.empty()) {
        abort();
    }
}

void Http1Connection::on_failed(std::error_code /*error*/) { abort(); }

void Http1Connection::abort() noexcept {
    if (is_gone()) {
        return;
    }
    SocketStream::abort();
    phase_ = Phase::kClosed;
    due_.fill(kNever);
    cancel();
    match_.reset();
    scope_.request_stop();  // nobody is there to be answered
    if (!is_running()) {
        retire();
    }
}

// The view or the stream has ended after the socket was gone, or ends the connection now.
void Http1Connection::end_with_view() noexcept {
    if (is_gone()) {
        retire();
    } else {
        abort();
    }
}

void Http1Connection::retire() noexcept {
    cancel();
    pending_.leave();
    server_.connections().retire(*this, address_slot_);
}

void Http1Connection::close(const ShutdownOptions& /*options*/) {
    if (is_running()) {
        last_ = true;
    } else if (phase_ != Phase::kFinishing) {
        match_.reset();
        if (outbox_.empty()) {
            abort();
        } else {
            finish();
        }
    }
}

}  // namespace c10k
