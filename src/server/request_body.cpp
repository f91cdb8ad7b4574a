#include "server/request_body.hpp"

#include "c10k/task.hpp"

#include <algorithm>
#include <utility>

namespace c10k {
namespace {

constexpr int kTooLarge = 413;
constexpr std::string_view kTooLargeReason = "The body is too large.";

}  // namespace

// ---- For the connection

void RequestBody::note_arrival(std::size_t bytes) {
    received_ += bytes;
    if (received_ > max_bytes_) {
        arrived_.resize(arrived_.size() - std::min<std::uint64_t>(arrived_.size(), received_ - max_bytes_));
        fail(kTooLarge, kTooLargeReason);
    } else if (bytes > 0) {
        wake();
    }
}

void RequestBody::end() {
    if (is_arriving()) {
        state_ = State::kWhole;
        wake();
    }
}

void RequestBody::fail(int status, std::string_view reason) {
    if (is_arriving()) {
        state_ = State::kFailed;
        status_ = status;
        reason_ = reason;
        wake();
    }
}

void RequestBody::lose() noexcept {
    if (is_arriving()) {
        forget();
        fail(400, "The client is gone.");
    }
}

void RequestBody::wake() {
    if (waiting_ != nullptr) {
        BodyReader::ReadAwaiter& reader = *waiting_;
        end_wait();
        reader.resume();
    }
}

// ---- For the view

void RequestBody::throw_if_failed() const {
    if (state_ == State::kFailed && data_->empty()) {
        throw BodyError(status_, std::string{reason_});
    }
}

std::string RequestBody::take() {
    std::string taken = std::exchange(*data_, {});
    if (is_in_pieces() && !taken.empty()) {
        source_.on_taken();
    }
    return taken;
}

void RequestBody::limit(std::uint64_t max_bytes) {
    max_bytes_ = max_bytes;
    if (received_ > max_bytes || length_.value_or(0) > max_bytes) {
        fail(kTooLarge, kTooLargeReason);
        throw BodyError(kTooLarge, std::string{kTooLargeReason});
    }
}

void RequestBody::check_alone() const {
    internal::require(waiting_ == nullptr, "read(): another read() of this body is pending");
}

void RequestBody::begin_wait(BodyReader::ReadAwaiter& reader) {
    source_.on_read_waits();
    waiting_ = &reader;
}

void RequestBody::end_wait() noexcept {
    waiting_ = nullptr;
    source_.on_read_ends();
}

// ---- BodyReader

BodyReader::ReadAwaiter BodyReader::read() { return ReadAwaiter{body_}; }

Task<std::string> BodyReader::read_all(std::size_t max_bytes) {
    limit(max_bytes);
    std::string whole = co_await read();
    for (std::string piece = co_await read(); !piece.empty(); piece = co_await read()) {
        whole += piece;
    }
    co_return whole;
}

void BodyReader::limit(std::uint64_t max_bytes) { body_.limit(max_bytes); }

std::optional<std::uint64_t> BodyReader::content_length() const noexcept { return body_.length(); }

bool BodyReader::ReadAwaiter::await_ready() const {
    body_.check_alone();
    return stop_requested() || body_.has_something();
}

void BodyReader::ReadAwaiter::await_suspend(std::coroutine_handle<> task) {
    body_.begin_wait(*this);
    suspend(task);
}

std::string BodyReader::ReadAwaiter::await_resume() {
    body_.throw_if_failed();
    throw_if_stopped();
    return body_.take();
}

void BodyReader::ReadAwaiter::on_stop() noexcept {
    body_.end_wait();
    resume();
}

}  // namespace c10k
