#include "server/http2_exchange.hpp"

#include "base/text.hpp"
#include "server/http2_request.hpp"
#include "server/server_websocket.hpp"
#include "wire/response_writer.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace c10k {
namespace {

constexpr int kContinueStatus = 100;
// How often the rate of a body is looked at.
constexpr std::chrono::milliseconds kBodyInterval{1000};

}  // namespace

Http2Exchange::Http2Exchange(ServerContext& context, SocketId stream, const std::string& peer, const std::string& local,
                             wire::Http2Head head, wire::Http2Body body)
    : SocketStream(context.services, stream), Deadlines(context.services.loop), context_(context),
      exchange_(context, *this), length_(head.content_length),
      has_body_(body == wire::Http2Body::kFollows && !head.is_websocket()), is_handshake_(head.is_websocket()) {
    auto made = request_of(std::move(head));
    is_known_ = made.has_value();
    if (made) {
        request_ = std::move(*made);
    }
    request_.peer = peer;
    request_.local = local;
    request_.is_secure = context.is_secure();
}

void Http2Exchange::begin() try {
    const ServerLimits& limits = context_.limits;
    if (!is_known_) {
        refuse(400, "bad target");
        return;
    }
    if (request_.method.size() + request_.target.size() > limits.max_request_line_bytes) {
        context_.counters().count(Limit::kMaxRequestLineBytes);
        refuse(414, "The request line is too long.");
        return;
    }
    if (const auto expectation = request_.headers.get("Expect")) {
        wants_continue_ = has_body_ && iequals(*expectation, "100-continue");
    }
    if (!has_body_ || context_.application.reads_body(request_)) {
        serve(has_body_ ? Body::kArrives : Body::kWhole);
    } else if (length_.value_or(0) > limits.max_body_bytes) {
        refuse_body();
    } else {
        read_whole_body();
    }
} catch (const std::bad_alloc&) {
    abort();
}

// ---- The body

void Http2Exchange::send_continue() {
    if (wants_continue_) {
        wants_continue_ = false;
        backend().respond(socket(), kContinueStatus, {}, wire::Http2Body::kFollows);
    }
}

void Http2Exchange::read_whole_body() {
    send_continue();
    const ServerLimits& limits = context_.limits;
    body_began_ = loop().now();
    wait_for(Wait::kBody, limits.min_body_rate > 0 ? std::min(limits.body_grace, limits.body_time) : limits.body_time);
    resume_reading();
}

void Http2Exchange::on_received(std::span<char> bytes) try {
    wants_continue_ = false;
    body_bytes_ += bytes.size();
    if (state_ == State::kReading) {
        if (body_bytes_ > context_.limits.max_body_bytes) {
            refuse_body();
            return;
        }
        request_.body.append(bytes.data(), bytes.size());
    } else if (RequestBody& body = exchange_.body(); state_ == State::kServing && body.is_arriving()) {
        body.buffer().append(bytes.data(), bytes.size());
        pay_for_body(bytes.size());
        body.note_arrival(bytes.size());
        on_taken();
    }
} catch (const std::bad_alloc&) {
    abort();  // others may go on with what this gives back
}

void Http2Exchange::on_fin() try {
    if (state_ == State::kReading) {
        serve(Body::kWhole);
    } else if (state_ == State::kServing) {
        exchange_.body().end();
    }
} catch (const std::bad_alloc&) {
    abort();
}

void Http2Exchange::on_read_waits() {
    if (!exchange_.has_begun()) {
        send_continue();
    }
    body_began_ = loop().now();
    wait_for(Wait::kBody, std::chrono::milliseconds{body_credit_.left()});
}

void Http2Exchange::on_read_ends() noexcept {
    if (due(Wait::kBody) != kNever) {
        body_credit_.keep(due(Wait::kBody) - loop().backend().now());
        stop_waiting_for(Wait::kBody);
    }
}

void Http2Exchange::pay_for_body(std::size_t bytes) {
    if (due(Wait::kBody) == kNever) {
        body_credit_.add(bytes, context_.limits);
    } else {
        body_began_ = loop().now();
        const std::int64_t now = loop().backend().now();
        wait_until(Wait::kBody, BodyCredit::extend(due(Wait::kBody), bytes, context_.limits, now));
    }
}

// Reads ahead as far as the buffer goes: the stream's window holds the client back.
void Http2Exchange::on_taken() {
    const RequestBody& body = exchange_.body();
    if (is_gone() || !body.is_arriving()) {
        return;
    }
    if (body.buffered() < context_.limits.body_buffer_bytes) {
        resume_reading();
    } else if (is_reading()) {
        context_.counters().count(Limit::kBodyBufferBytes);
        pause_reading();
    }
}

// ---- The answer

void Http2Exchange::serve(Body body) {
    stop_waiting_for(Wait::kBody);
    body_credit_.begin(context_.limits);
    state_ = State::kServing;
    switch (exchange_.start({.is_whole = body == Body::kWhole, .length = length_})) {
        case HttpExchange::Outcome::kAnswered: end_answer(); break;
        case HttpExchange::Outcome::kUpgrade: become_websocket(); break;
        case HttpExchange::Outcome::kRunning: on_taken(); break;
        case HttpExchange::Outcome::kCut: cut(); break;
    }
}

void Http2Exchange::become_websocket() {
    request_.body_reader = nullptr;
    context_.connections.emplace<ServerWebSocket>(context_, socket(), exchange_.take_match(), std::move(request_),
                                                  std::string{}, Admission::kUncounted);
    hand_over();
    state_ = State::kClosed;
    retire();
}

void Http2Exchange::refuse_body() {
    context_.counters().count(Limit::kMaxBodyBytes);
    refuse(413, "The body is too large.");
}

void Http2Exchange::refuse(int status, std::string_view reason) {
    state_ = State::kServing;
    send_answer(context_.application.on_refused(request_.peer, status, reason));
    end_answer();
}

void Http2Exchange::send_answer(const Response& response) {
    if (is_handshake_ && refusing(response.status) != response.status) {
        Response page = response;
        page.status = refusing(page.status);
        send_answer(page);
        return;
    }
    const Headers fields = fields_of(response, context_.date());
    const bool is_empty = request_.method == "HEAD" || !wire::has_body(response.status) ||
                          (!response.body_stream && response.body.empty());
    context_.application.on_answered(request_, response);
    const bool is_whole = !is_empty && !response.body_stream;
    if (is_whole && backend().respond_whole(socket(), response.status, fields, response.body)) {
        return;
    }
    has_answer_body_ = !is_empty;
    if (is_whole) {
        send_piece(response.body);
        return;
    }
    backend().respond(socket(), response.status, fields, is_empty ? wire::Http2Body::kNone : wire::Http2Body::kFollows);
}

void Http2Exchange::send_piece(std::string_view piece) {
    const bool was_empty = outbox_.empty();
    outbox_.append(piece);
    flush_soon(piece.size());
    if (was_empty) {
        time_taking(0);
    }
}

void Http2Exchange::on_written(std::size_t bytes) try {
    if (bytes > 0) {
        time_taking(bytes);
    }
    exchange_.on_written();
    if (state_ == State::kAnswered && outbox_.empty()) {
        finish();
    }
} catch (const std::bad_alloc&) {
    abort();
}

void Http2Exchange::on_progress(HttpExchange::Outcome outcome) noexcept {
    if (is_gone()) {
        retire();
        return;
    }
    try {
        if (outcome == HttpExchange::Outcome::kCut) {
            cut();
        } else if (outcome == HttpExchange::Outcome::kAnswered) {
            end_answer();
        }
    } catch (const std::bad_alloc&) {
        abort();
    }
}

void Http2Exchange::end_answer() {
    state_ = State::kAnswered;
    exchange_.body().forget();
    if (outbox_.empty()) {
        finish();
    }
}

// ---- The end

void Http2Exchange::finish() {
    if (has_answer_body_) {
        shutdown_write();
    }
    abort();
}

void Http2Exchange::cut() noexcept {
    backend().reset(socket(), wire::Http2Error::kInternalError);
    abort();
}

void Http2Exchange::abort() noexcept {
    if (state_ == State::kClosed) {
        return;
    }
    state_ = State::kClosed;
    SocketStream::abort();
    stop_waiting();
    exchange_.drop_match();
    exchange_.lose();
    if (!exchange_.is_running()) {
        retire();
    }
}

void Http2Exchange::retire() noexcept {
    stop_waiting();
    context_.connections.retire(*this, Admission::kUncounted);
}

void Http2Exchange::on_failed(std::error_code /*error*/) { abort(); }

// ---- Deadlines

// See Http1Connection::time_taking().
void Http2Exchange::time_taking(std::size_t taken_bytes) {
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

void Http2Exchange::on_deadline() {
    if (is_due(Wait::kBody)) {
        on_body_late();
    } else if (is_due(Wait::kTaking)) {
        context_.counters().count(Limit::kWriteTime);
        cut();
    } else if (is_due(Wait::kTakingFast)) {
        context_.counters().count(Limit::kMinResponseRate);
        cut();
    }
}

void Http2Exchange::on_body_late() {
    const ServerLimits& limits = context_.limits;
    const std::chrono::milliseconds age{loop().now() - body_began_};
    const bool is_fast =
        state_ == State::kReading && body_bytes_ >= std::uint64_t{limits.min_body_rate} * age.count() / 1000;
    if (is_fast && age < limits.body_time) {
        wait_for(Wait::kBody, std::min(kBodyInterval, limits.body_time - age));
        return;
    }
    context_.counters().count(is_fast || age >= limits.body_time ? Limit::kBodyTime : Limit::kMinBodyRate);
    stop_waiting_for(Wait::kBody);
    constexpr std::string_view kLate = "The request did not arrive in time.";
    if (state_ == State::kReading) {
        refuse(408, kLate);
    } else {
        exchange_.body().fail(408, kLate);
    }
}

}  // namespace c10k
