#include "loop/job_queue.hpp"

#include "loop/backend.hpp"

#include <exception>
#include <string>
#include <thread>

namespace c10k {

// All atomics are sequentially consistent: that is what makes "look, then sleep" and "put, then wake" miss nothing,
// and neither "look whether it is open" and "close, then look whether somebody is in".

class JobQueue::Producer {
public:
    explicit Producer(JobQueue& job_queue) noexcept : jobs_(job_queue) { ++jobs_.producers_; }
    ~Producer() { --jobs_.producers_; }
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    [[nodiscard]] bool is_welcome() const noexcept { return jobs_.open_; }

private:
    JobQueue& jobs_;
};

JobQueue::~JobQueue() { drop_all(); }

bool JobQueue::post(std::unique_ptr<Job> job, std::size_t bytes) {
    if (!put(std::move(job), bytes)) {
        return false;
    }
    wake();
    return true;
}

bool JobQueue::put(std::unique_ptr<Job> job, std::size_t bytes) {
    const Producer poster{*this};
    if (!poster.is_welcome()) {
        return false;
    }
    Job* posted = job.release();
    posted->bytes_ = bytes;
    unread_bytes_ += bytes;
    posted->next_ = newest_.load();
    while (!newest_.compare_exchange_weak(posted->next_, posted)) {
    }
    return true;
}

void JobQueue::wake() {
    const Producer poster{*this};
    if (poster.is_welcome() && asleep_ && asleep_.exchange(false)) {
        backend_->wake();
    }
}

void JobQueue::take_in() noexcept {
    Job* taken = newest_.exchange(nullptr);
    if (taken == nullptr) {
        return;
    }
    Job* newest = taken;
    Job* oldest = nullptr;
    while (taken != nullptr) {
        Job* next = std::exchange(taken->next_, oldest);
        oldest = std::exchange(taken, next);
    }
    (first_ != nullptr ? last_->next_ : first_) = oldest;
    last_ = newest;
}

bool JobQueue::has_readable() const noexcept { return first_ != nullptr && first_->may_run(); }

bool JobQueue::read() {
    take_in();
    const bool found = has_readable();
    while (has_readable()) {
        const std::unique_ptr<Job> job{std::exchange(first_, first_->next_)};
        unread_bytes_ -= job->bytes_;
        read(*job);
    }
    return found;
}

void JobQueue::read(Job& job) noexcept {
    try {
        job.read();
    } catch (const std::exception& error) {
        complain(error.what());
    } catch (...) {
        complain("something that is no std::exception was thrown");
    }
}

void JobQueue::complain(const char* why) noexcept {
    if (!complaint_.is_due(backend_->now())) {
        return;
    }
    try {
        log::error(std::string{"what another thread has sent to this loop failed: "} + why);
    } catch (...) {  // there is no memory for the line, but the loop goes on
    }
}

bool JobQueue::fall_asleep() noexcept {
    asleep_ = true;
    take_in();
    if (has_readable()) {
        asleep_ = false;
    }
    return asleep_;
}

void JobQueue::close() noexcept {
    open_ = false;
    while (producers_ > 0) {
        std::this_thread::yield();
    }
    drop_all();
}

void JobQueue::drop_all() noexcept {
    take_in();
    while (first_ != nullptr) {
        delete std::exchange(first_, first_->next_);
    }
}

}  // namespace c10k
