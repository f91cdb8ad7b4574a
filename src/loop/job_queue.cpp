#include "loop/job_queue.hpp"

#include "loop/backend.hpp"

#include <exception>
#include <string>
#include <thread>

namespace c10k {

// All atomics are sequentially consistent: that is what makes "look, then sleep" and "put, then wake" miss nothing,
// and neither "look whether it is open" and "close, then look whether somebody is in".

class Mailbox::Poster {
public:
    explicit Poster(Mailbox& mailbox) noexcept : mailbox_(mailbox) { ++mailbox_.posters_; }
    ~Poster() { --mailbox_.posters_; }
    Poster(const Poster&) = delete;
    Poster& operator=(const Poster&) = delete;

    [[nodiscard]] bool is_welcome() const noexcept { return mailbox_.open_; }

private:
    Mailbox& mailbox_;
};

Mailbox::~Mailbox() { drop_all(); }

bool Mailbox::post(std::unique_ptr<Letter> letter, std::size_t bytes) {
    if (!put(std::move(letter), bytes)) {
        return false;
    }
    wake();
    return true;
}

bool Mailbox::put(std::unique_ptr<Letter> letter, std::size_t bytes) {
    const Poster poster{*this};
    if (!poster.is_welcome()) {
        return false;
    }
    Letter* posted = letter.release();
    posted->bytes_ = bytes;
    unread_bytes_ += bytes;
    posted->next_ = newest_.load();
    while (!newest_.compare_exchange_weak(posted->next_, posted)) {
    }
    return true;
}

void Mailbox::wake() {
    const Poster poster{*this};
    if (poster.is_welcome() && asleep_ && asleep_.exchange(false)) {
        backend_->wake();
    }
}

void Mailbox::take_in() noexcept {
    Letter* taken = newest_.exchange(nullptr);
    if (taken == nullptr) {
        return;
    }
    Letter* newest = taken;
    Letter* oldest = nullptr;
    while (taken != nullptr) {
        Letter* next = std::exchange(taken->next_, oldest);
        oldest = std::exchange(taken, next);
    }
    (first_ != nullptr ? last_->next_ : first_) = oldest;
    last_ = newest;
}

bool Mailbox::has_readable() const noexcept { return first_ != nullptr && first_->may_be_read(); }

bool Mailbox::read() {
    take_in();
    const bool found = has_readable();
    while (has_readable()) {
        const std::unique_ptr<Letter> letter{std::exchange(first_, first_->next_)};
        unread_bytes_ -= letter->bytes_;
        read(*letter);
    }
    return found;
}

void Mailbox::read(Letter& letter) noexcept {
    try {
        letter.read();
    } catch (const std::exception& error) {
        complain(error.what());
    } catch (...) {
        complain("something that is no std::exception was thrown");
    }
}

void Mailbox::complain(const char* why) noexcept {
    if (!complaint_.is_due(backend_->now())) {
        return;
    }
    try {
        log::error(std::string{"what another thread has sent to this loop failed: "} + why);
    } catch (...) {  // there is no memory for the line, but the loop goes on
    }
}

bool Mailbox::fall_asleep() noexcept {
    asleep_ = true;
    take_in();
    if (has_readable()) {
        asleep_ = false;
    }
    return asleep_;
}

void Mailbox::close() noexcept {
    open_ = false;
    while (posters_ > 0) {
        std::this_thread::yield();
    }
    drop_all();
}

void Mailbox::drop_all() noexcept {
    take_in();
    while (first_ != nullptr) {
        delete std::exchange(first_, first_->next_);
    }
}

}  // namespace c10k
