#include "connection/dialling.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace c10k {

// ---- Dialling

Dialling::Dialling(Loop& loop, const Endpoint::Data& server) : server_(server), loop_(loop) {
    attempts_.reserve(server.addresses.size());
}

Dialling::~Dialling() { abort(); }

bool Dialling::await_ready() {
    if (!stop_requested()) {
        dial_next();
    }
    return stop_requested() || is_over();
}

SocketId Dialling::await_resume() {
    throw_if_stopped();
    if (answered_ == nullptr) {
        throw ConnectError("cannot connect to " + server_.url + ": " + failures());
    }
    taken_ = answered_->address();
    return std::exchange(answered_, nullptr)->release();
}

std::string Dialling::where() const { return server_.url + (taken_ ? " at " + server_.addresses[*taken_].text() : ""); }

std::string Dialling::failures() const {
    std::string text;
    for (const Attempt& attempt : attempts_) {
        text += (text.empty() ? "" : ", ") + attempt.text();
    }
    return text;
}

void Dialling::dial_next() {
    const std::size_t count = server_.addresses.size();
    while (attempts_.size() < count) {
        // That which answered last comes first, and leaves a gap in the order of the others.
        const std::size_t turn = attempts_.size();
        const std::size_t address = turn == 0 ? server_.first() : turn <= first_ ? turn - 1 : turn;
        first_ = turn == 0 ? address : first_;
        if (attempts_.emplace_back(*this, address).dial()) {
            if (attempts_.size() < count) {
                start(kAttemptDelay);
            }
            return;
        }
    }
}

void Dialling::end_with(Attempt& attempt) {
    cancel();
    answered_ = &attempt;
    for (Attempt& other : attempts_) {
        if (&other != answered_) {
            other.close();
        }
    }
    server_.note_answer(attempt.address());
    resume();
}

void Dialling::go_on_without(const Attempt& attempt) {
    if (answered_ == &attempt) {  // it was connected, and is lost before its owner had it
        answered_ = nullptr;
        return;
    }
    cancel();
    dial_next();
    if (is_over()) {
        resume();
    }
}

bool Dialling::is_over() const noexcept {
    return std::none_of(attempts_.begin(), attempts_.end(), [](const Attempt& one) { return one.is_open(); });
}

void Dialling::abort() noexcept {
    cancel();
    for (Attempt& attempt : attempts_) {
        attempt.close();
    }
}

void Dialling::on_stop() noexcept {
    abort();
    resume();
}

// ---- One address

bool Dialling::Attempt::dial() {
    const Address& to = dialling_.server_.addresses[address_];
    Backend& backend = dialling_.loop_.backend();
    try {
        socket_ = backend.connect(to, dialling_.server_.next_source(to.family()));
        backend.attach(*socket_, *this);
    } catch (const std::system_error& error) {
        failure_ = error.code();
    } catch (const std::bad_alloc&) {
        failure_ = std::make_error_code(std::errc::not_enough_memory);
    }
    return is_open();
}

void Dialling::Attempt::close() noexcept {
    if (is_open()) {
        dialling_.loop_.backend().close(release());
    }
}

std::string Dialling::Attempt::text() const {
    return dialling_.server_.addresses[address_].text() + ": " +
           (failure_ ? failure_.message() : std::string{"no answer"});
}

void Dialling::Attempt::on_failed(std::error_code error) {
    close();
    failure_ = error;
    dialling_.go_on_without(*this);
}

}  // namespace c10k
