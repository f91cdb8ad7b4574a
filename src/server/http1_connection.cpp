#include "server/http1_connection.hpp"

#include "server/http2_connection.hpp"
#include "server/server_websocket.hpp"
#include "wire/http2_frame.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace c10k {
namespace {

// Answers to pipelined requests that the peer does not take: no more requests are read beyond it.
constexpr std::size_t kMaxUnsent = 256 * 1024;
// Requests behind one whose view or stream runs, as much as one read brings. With more, none of them will be answered,
// and the client asks again (RFC 9112, 9.3.2): to stop reading would be to miss the client's end.
constexpr std::size_t kMaxUnread = 256 * 1024;
// How long to wait for the peer's FIN after ours, reading what it still sends (RFC 9112, 9.6).
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::chrono::milliseconds kBodyInterval{1000};
// How much of a body is read behind its answer, to keep the connection for the next request: a longer rest costs more
// than a new connection.
constexpr std::uint32_t kMaxSkipped = 256 * 1024;

// Lets the memory go too, which clear() and an assignment would keep.
void forget(std::string& text) noexcept { std::string{}.swap(text); }

}  // namespace

Http1Connection::Http1Connection(ServerContext& context, PendingConnections& pending, SocketId socket,
                                 const Address& client, const Address& local, Admission::AddressSlot slot)
    : SocketStream(context.services, socket), Deadlines(context.services.loop), context_(context),
      pending_(pending, *this, client), peer_(client.text()), local_(local.text()), parser_(context.limits),
      exchange_(context, *this), address_slot_(slot), may_be_http2_(context.admits_http2(peer_)) {
    resume_reading();
    wait_for(Wait::kRequest, context.limits.head_time);
}

void Http1Connection::reject() {
    is_rejected_ = true;
    if (!may_be_http2_) {
        answer_full();
    }
}

void Http1Connection::answer_full() {
    send(wire::to_bytes(full_response(), {.keep_alive = false, .date = context_.date()}));
    advance(Http1Event::kLastAnswered);
}

// ---- Requests

void Http1Connection::on_received(std::span<char> bytes) {
    if (state_ == Http1State::kDraining) {
        return;
    }
    try {
        std::string_view rest{bytes.data(), bytes.size()};
        if (has_body_to_come()) {
            rest.remove_prefix(take_body(rest));  // past unread_, which is empty
            if (state_ == Http1State::kDraining) {
                return;
            }
        } else if (exchange_.is_running() && is_last_) {
            return;
        }
        unread_ += rest;
        if (state_ != Http1State::kServing) {
            read_requests();
        } else if (exchange_.is_running()) {
            watch_for_end();
        }
    } catch (const std::bad_alloc&) {
        abort();  // others may go on with what this gives back
    }
}

// Reads and answers until there is nothing more to read, or too much to send.
void Http1Connection::read_requests() {
    if (may_be_http2_ && !unread_.empty() && is_http2()) {
        return;
    }
    if (is_rejected_ && !may_be_http2_) {
        answer_full();
        return;
    }
    std::size_t read = 0;
    while (read < unread_.size()) {
        const std::string_view rest = std::string_view{unread_}.substr(read);
        if (has_body_to_come()) {
            read += take_body(rest);
            continue;
        }
        if (state_ != Http1State::kReading || outbox_.bytes() > kMaxUnsent) {
            break;
        }
        const bool was_started = parser_.started();
        if (parser_.state() == wire::RequestParser::State::kHead) {
            read += parser_.receive_head(rest);
            if (parser_.state() == wire::RequestParser::State::kBody) {
                begin_body();
            }
        } else {
            read += parser_.receive(rest);
        }
        switch (parser_.state()) {
            case wire::RequestParser::State::kFailed:
                count_failure();
                refuse(parser_.failure().status(), parser_.failure().reason);
                return;
            case wire::RequestParser::State::kComplete: serve(); break;
            case wire::RequestParser::State::kBody: break;
            case wire::RequestParser::State::kHead:
                if (!was_started) {
                    stop_waiting_for(Wait::kIdle);
                    wait_for(Wait::kRequest, context_.limits.head_time);  // a byte now and then does not move it
                }
                break;
        }
    }
    if (read < unread_.size()) {
        unread_.erase(0, read);
    } else {
        forget(unread_);
    }
    if (exchange_.has_match() && outbox_.empty()) {
        become_websocket();
    } else if (state_ == Http1State::kReading) {
        read_on_or_pause();
    } else if (exchange_.is_running()) {
        watch_for_end();
    } else if (state_ == Http1State::kSkipping) {
        has_peer_fin() ? end_requests() : resume_reading();
    }
}

// The view reads it, or it is read whole first. A client that waits to be asked for it has sent nothing of it.
void Http1Connection::begin_body() {
    if (context_.application.reads_body(parser_.request())) {
        body_credit_.begin(context_.limits);
        serve();
        return;
    }
    parser_.receive({});  // refuses one that is too large
    if (parser_.state() != wire::RequestParser::State::kBody) {
        return;
    }
    if (parser_.wants_continue()) {
        parser_.note_continue();
        send(wire::kContinue);
    }
    body_began_ = loop().now();
    time_body();
}

// Every request that was read is answered, as far as the peer takes answers.
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
            wait_for(Wait::kRequest, context_.limits.head_time);
        }
    }
    if (!has_peer_fin()) {
        resume_reading();
    } else {
        end_requests();
    }
}

void Http1Connection::watch_for_end() {
    if (unread_.size() > kMaxUnread) {
        forget(unread_);
        is_last_ = true;
    }
    const bool has_body = has_body_to_come();
    if (!has_peer_fin()) {
        has_body ? read_body_on_or_pause() : resume_reading();
        return;
    }
    if (has_body) {
        fail_body(400, "The connection ended before the end of the body.");
    }
    if (due(Wait::kHalfClosed) == kNever) {
        wait_for(Wait::kHalfClosed, context_.limits.half_closed_time);
    }
}

// Most who have finished sending have gone; a few wait for an answer, and have had the time for it.
void Http1Connection::on_peer_gone() {
    if (exchange_.is_streaming() && !outbox_.empty()) {
        wait_for(Wait::kHalfClosed, context_.limits.half_closed_time);  // it has something to take, in the write time
    } else {
        stop_waiting_for(Wait::kHalfClosed);
        exchange_.request_stop();
    }
}

void Http1Connection::serve() {
    stop_waiting_for(Wait::kRequest);
    stop_waiting_for(Wait::kIdle);
    pending_.note_request();
    advance(Http1Event::kRequest);
    parser_.request().peer = peer_;
    parser_.request().local = local_;
    parser_.request().minor_version = parser_.minor_version();
    parser_.request().is_secure = context_.is_secure();
    is_last_ = !parser_.keep_alive() || context_.is_closing;
    const wire::TargetScheme scheme = parser_.scheme();
    switch (exchange_.start({.is_whole = parser_.state() == wire::RequestParser::State::kComplete,
                             .length = parser_.missing_bytes(),
                             .minor_version = parser_.minor_version(),
                             .names_https = scheme == wire::TargetScheme::kNone
                                                ? std::nullopt
                                                : std::optional{scheme == wire::TargetScheme::kHttps}})) {
        case HttpExchange::Outcome::kAnswered: end_answer(); break;
        case HttpExchange::Outcome::kUpgrade: pause_reading(); break;
        case HttpExchange::Outcome::kRunning: break;
        case HttpExchange::Outcome::kCut: abort(); break;
    }
}

// ---- The body that a view reads

std::size_t Http1Connection::take_body(std::string_view bytes) {
    RequestBody& body = exchange_.body();
    const bool is_wanted = state_ == Http1State::kServing && body.is_arriving();
    std::string unwanted;
    std::string& data = is_wanted ? body.buffer() : unwanted;
    const std::size_t size_before = data.size();
    const std::size_t taken = parser_.receive_piece(bytes, data);
    pay_for_body(data.size() - size_before);
    if (is_wanted) {
        body.note_arrival(data.size() - size_before);
    }
    if (parser_.state() == wire::RequestParser::State::kFailed) {
        count_failure();
        fail_body(parser_.failure().status(), parser_.failure().reason);
    } else if (parser_.state() == wire::RequestParser::State::kComplete) {
        body.end();
    }
    if (state_ == Http1State::kSkipping) {
        skipped_bytes_ += static_cast<std::uint32_t>(taken);
        if (is_last_ || skipped_bytes_ > kMaxSkipped) {
            advance(Http1Event::kLastAnswered);
        } else if (parser_.state() == wire::RequestParser::State::kComplete) {
            finish_request();
        }
    }
    return taken;
}

// Reads ahead as far as the buffer goes, and nothing that the view does not want.
void Http1Connection::read_body_on_or_pause() {
    const RequestBody& body = exchange_.body();
    const bool is_full = body.buffered() >= context_.limits.body_buffer_bytes;
    if (body.is_arriving() && !is_full) {
        resume_reading();
    } else if (is_reading()) {
        if (is_full) {
            context_.counters().count(Limit::kBodyBufferBytes);
        }
        pause_reading();
    }
}

void Http1Connection::fail_body(int status, std::string_view reason) {
    is_last_ = true;
    exchange_.body().fail(status, reason);
}

void Http1Connection::on_read_waits() {
    if (parser_.wants_continue() && !exchange_.has_begun()) {
        parser_.note_continue();
        send(wire::kContinue);
    }
    start_body_clock();
}

void Http1Connection::on_read_ends() noexcept { stop_body_clock(); }

void Http1Connection::on_taken() {
    if (!is_gone()) {
        watch_for_end();
    }
}

void Http1Connection::skip_body() {
    advance(Http1Event::kAnsweredEarly);
    skipped_bytes_ = 0;
    start_body_clock();
}

// ---- Other protocols

bool Http1Connection::is_http2() {
    const std::size_t come = std::min(unread_.size(), wire::kHttp2Preface.size());
    may_be_http2_ = unread_.starts_with(wire::kHttp2Preface.substr(0, come));
    if (may_be_http2_ && come == wire::kHttp2Preface.size()) {
        become_http2();
    }
    return may_be_http2_;
}

void Http1Connection::become_http2() {
    stop_waiting_for(Wait::kRequest);
    const std::string early = std::move(unread_);
    auto& connection =
        context_.connections.emplace<Http2Connection>(context_, socket(), peer_, local_, address_slot_, early);
    hand_over();
    address_slot_ = Admission::kUncounted;
    if (is_rejected_) {
        connection.reject();
    }
    advance(Http1Event::kUpgraded);
    retire();
}

void Http1Connection::become_websocket() {
    parser_.request().body_reader = nullptr;
    auto& websocket = context_.connections.emplace<ServerWebSocket>(
        context_, socket(), exchange_.take_match(), std::move(parser_.request()), std::move(unread_), address_slot_);
    hand_over();
    if (has_peer_fin()) {
        websocket.note_peer_fin();  // the backend reports it once
    }
    address_slot_ = Admission::kUncounted;  // not before there is a connection that releases it
    advance(Http1Event::kUpgraded);
    retire();
}

// ---- Answers

void Http1Connection::on_progress(HttpExchange::Outcome outcome) noexcept {
    stop_waiting_for(Wait::kHalfClosed);
    if (is_gone()) {
        retire();
        return;
    }
    try {
        if (outcome == HttpExchange::Outcome::kCut) {
            abort();
            return;
        }
        if (outcome == HttpExchange::Outcome::kAnswered) {
            end_answer();
        }
        read_requests();
    } catch (const std::bad_alloc&) {
        abort();
    }
}

// The answer is complete: makes ready for the next request, if there may be one.
void Http1Connection::end_answer() {
    exchange_.body().forget();
    if (is_last_ || leaves_body()) {
        advance(Http1Event::kLastAnswered);
    } else if (has_body_to_come()) {
        skip_body();
    } else {
        finish_request();
    }
}

// All of the request has come and is answered.
void Http1Connection::finish_request() {
    advance(Http1Event::kAnswered);
    parser_.reset();
    await_next_request();
}

void Http1Connection::count_failure() {
    Counters& counters = context_.counters();
    switch (parser_.failure().kind) {
        case wire::HttpFailure::Kind::kFirstLineTooLong: counters.count(Limit::kMaxRequestLineBytes); break;
        case wire::HttpFailure::Kind::kHeadTooLarge: counters.count(Limit::kMaxHeadBytes); break;
        case wire::HttpFailure::Kind::kTooManyFields: counters.count(Limit::kMaxHeaderFields); break;
        case wire::HttpFailure::Kind::kBodyTooLarge: counters.count(Limit::kMaxBodyBytes); break;
        default: break;
    }
}

void Http1Connection::refuse(int status, std::string_view reason) {
    const Response response = context_.application.on_refused(peer_, status, reason);
    send(wire::to_bytes(response, {.keep_alive = false, .date = context_.date()}));
    advance(Http1Event::kLastAnswered);
}

bool Http1Connection::leaves_body() const noexcept {
    switch (parser_.state()) {
        case wire::RequestParser::State::kComplete: return false;
        case wire::RequestParser::State::kBody:
            return parser_.wants_continue() || parser_.missing_bytes().value_or(0) > kMaxSkipped;
        default: return true;
    }
}

void Http1Connection::send_answer(const Response& response) {
    framing_ = wire::Framing::kLength;
    if (response.body_stream && !response.stream_bytes) {
        framing_ = parser_.minor_version() == 0 ? wire::Framing::kUntilClose : wire::Framing::kChunked;
    }
    // A stream may still read the body, but it is too late to ask for it.
    if (framing_ == wire::Framing::kUntilClose ||
        (exchange_.is_streaming() ? parser_.wants_continue() : leaves_body())) {
        is_last_ = true;
    }
    const wire::ResponseOptions options{.head_only = parser_.request().method == "HEAD",
                                        .keep_alive = !is_last_,
                                        .minor_version = parser_.minor_version(),
                                        .date = context_.date(),
                                        .framing = framing_};
    wire::require_final(response.status);
    const std::string bytes = wire::to_bytes(response, options);
    context_.application.on_answered(parser_.request(), response);
    send(bytes);
}

void Http1Connection::send_piece(std::string_view piece) {
    if (framing_ != wire::Framing::kChunked) {
        send(piece);
        return;
    }
    send(wire::chunk_head(piece.size()));
    send(piece);
    send(wire::kChunkEnd);
}

void Http1Connection::send_end() {
    if (framing_ == wire::Framing::kChunked) {
        send(wire::kLastChunk);
    }
}

void Http1Connection::send(std::string_view bytes) {
    const bool was_empty = outbox_.empty();
    outbox_.append(bytes);
    flush_soon(bytes.size());
    if (was_empty && !outbox_.empty()) {
        stop_waiting_for(Wait::kIdle);
        time_taking(0);
    }
}

void Http1Connection::on_written(std::size_t bytes) try {
    if (bytes > 0) {
        time_taking(bytes);
        await_next_request();
    }
    exchange_.on_written();
    if (state_ == Http1State::kDraining && outbox_.empty()) {
        advance(has_peer_fin() ? Http1Event::kAllSentAndFin : Http1Event::kAllSent);
    }
    if (state_ == Http1State::kReading || exchange_.has_match()) {
        read_requests();
    }
} catch (const std::bad_alloc&) {
    abort();  // the memory that this frees lets others go on
}

// ---- The end

void Http1Connection::advance(Http1Event event) {
    const Http1Transition* const transition = find_transition(state_, event);
    if (transition == nullptr) {
        return;
    }
    state_ = transition->to;
    switch (transition->action) {
        case Http1Action::kNone: break;
        case Http1Action::kDrain: drain(); break;
        case Http1Action::kSendFin:
            shutdown_write();
            wait_for(Wait::kLinger, has_peer_fin() ? std::chrono::milliseconds{0} : kLingerTime);
            break;
        case Http1Action::kEnd: end(); break;
    }
}

void Http1Connection::end_requests() {
    exchange_.drop_match();
    advance(outbox_.empty() ? Http1Event::kLastIdle : Http1Event::kLastUnsent);
}

void Http1Connection::drain() {
    forget(unread_);
    stop_waiting_for(Wait::kRequest);
    stop_waiting_for(Wait::kIdle);
    resume_reading();
    if (outbox_.empty()) {
        advance(Http1Event::kAllSent);
    }
}

void Http1Connection::end() noexcept {
    SocketStream::abort();
    stop_waiting();
    exchange_.drop_match();
    exchange_.lose();
    if (!exchange_.is_running()) {
        retire();
    }
}

void Http1Connection::retire() noexcept {
    stop_waiting();
    pending_.leave();
    context_.connections.retire(*this, address_slot_);
}

void Http1Connection::abort() noexcept { advance(Http1Event::kAbort); }

void Http1Connection::close(const ShutdownOptions& /*options*/) {
    if (exchange_.is_running()) {
        is_last_ = true;
    } else {
        end_requests();
    }
}

// ---- Deadlines

// The next request may take the idle time, once the answers are taken.
void Http1Connection::await_next_request() {
    if (outbox_.empty() && state_ == Http1State::kReading && !parser_.started()) {
        wait_for(Wait::kIdle, context_.limits.idle_time);
    }
}

// A peer may take nothing for the write time. What it takes pays at the least rate for the time that follows, up to the
// write time: the kernel takes much at once, and what it has taken says nothing about the peer for long.
void Http1Connection::time_taking(std::size_t taken_bytes) {
    if (taken_bytes > 0 && exchange_.is_streaming() && due(Wait::kHalfClosed) != kNever) {
        wait_for(Wait::kHalfClosed, context_.limits.half_closed_time);  // it reads, although it has nothing to say
    }
    if (outbox_.empty()) {
        stop_waiting_for(Wait::kTaking);
        stop_waiting_for(Wait::kTakingFast);
        return;
    }
    const ServerLimits& limits = context_.limits;
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
    const ServerLimits& limits = context_.limits;
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
    const std::uint64_t wanted = std::uint64_t{context_.limits.min_body_rate} * body_age().count() / 1000;
    return body_age() < context_.limits.body_grace || parser_.request().body.size() >= wanted;
}

// The time runs while a view waits in read(), or a body is skipped.
void Http1Connection::start_body_clock() {
    body_began_ = loop().now();
    wait_for(Wait::kRequest, std::chrono::milliseconds{body_credit_.left()});
}

void Http1Connection::stop_body_clock() {
    if (due(Wait::kRequest) != kNever) {
        body_credit_.keep(due(Wait::kRequest) - loop().backend().now());
        stop_waiting_for(Wait::kRequest);
    }
}

void Http1Connection::pay_for_body(std::size_t bytes) {
    if (due(Wait::kRequest) == kNever) {
        body_credit_.add(bytes, context_.limits);
    } else {
        body_began_ = loop().now();
        const std::int64_t now = loop().backend().now();
        wait_until(Wait::kRequest, BodyCredit::extend(due(Wait::kRequest), bytes, context_.limits, now));
    }
}

void Http1Connection::on_deadline() {
    Counters& counters = context_.counters();
    if (is_due(Wait::kRequest)) {
        on_request_late();
    } else if (is_due(Wait::kTaking)) {
        counters.count(Limit::kWriteTime);
        abort();
    } else if (is_due(Wait::kTakingFast)) {
        counters.count(Limit::kMinResponseRate);
        context_.warn_of(peer_, "cut off", "they take their answers more slowly than min_response_rate");
        abort();
    } else if (is_due(Wait::kIdle)) {
        counters.count(Limit::kIdleTime);
        abort();
    } else if (is_due(Wait::kHalfClosed)) {
        on_peer_gone();
    } else if (is_due(Wait::kLinger)) {
        abort();
    }
}

void Http1Connection::on_request_late() {
    if (has_body_to_come()) {
        on_body_late();
        return;
    }
    Counters& counters = context_.counters();
    const bool is_body = parser_.state() == wire::RequestParser::State::kBody;
    const bool is_old = !is_body || body_age() >= context_.limits.body_time;
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

void Http1Connection::on_body_late() {
    const bool is_silent = loop().now() - body_began_ >= context_.limits.body_time.count();
    context_.counters().count(is_silent ? Limit::kBodyTime : Limit::kMinBodyRate);
    stop_waiting_for(Wait::kRequest);
    if (state_ == Http1State::kSkipping) {
        advance(Http1Event::kLastAnswered);
    } else {
        fail_body(408, "The request did not arrive in time.");
    }
}

// The peer may still wait for answers.
void Http1Connection::on_fin() {
    if (state_ == Http1State::kReading) {
        read_requests();
    } else if (exchange_.is_running()) {
        watch_for_end();
    } else if (state_ == Http1State::kSkipping) {
        end_requests();
    } else if (outbox_.empty()) {
        advance(Http1Event::kAllSentAndFin);
    }
}

void Http1Connection::on_failed(std::error_code /*error*/) { abort(); }

}  // namespace c10k
