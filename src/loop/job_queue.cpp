#include "loop/job_queue.hpp"

#include "loop/backend.hpp"

#include <exception>
#include <string>
#include <thread>

namespace c10k {

// All atomics are sequentially consistent: that is what makes "look, then sleep" and "put, then wake" miss nothing,
// and neither "look whether it is open" and "close, then look whether a producer is in".

class JobQueue::Producer {
public:
    explicit Producer(JobQueue& queue) noexcept : queue_(queue) { ++queue_.producers_; }
    ~Producer() { --queue_.producers_; }
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    [[nodiscard]] bool is_welcome() const noexcept { return queue_.open_; }

private:
    JobQueue& queue_;
};

JobQueue::~JobQueue() { drop_all(); }

bool JobQueue::post(std::unique_ptr<Job> job, std::size_t bytes) {
    if (!put(std::move(job), bytes)) {
        return false;
    }
    wake();
    return true;
}

bool JobQueue::put(std::unique_ptr<Job> job, std::size_t bytes, std::shared_ptr<const std::atomic<bool>> gate) {
    const Producer producer{*this};
    if (!producer.is_welcome()) {
        return false;
    }
    job->bytes_ = bytes;
    job->gate_ = std::move(gate);
    waiting_bytes_ += bytes;
    Job* put = job.release();
    put->next_ = newest_.load();
    while (!newest_.compare_exchange_weak(put->next_, put)) {
    }
    return true;
}

void JobQueue::wake() {
    const Producer producer{*this};
    if (producer.is_welcome() && asleep_ && asleep_.exchange(false)) {
        backend_->wake();
    }
}

void JobQueue::take_new() noexcept {
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

bool JobQueue::may_run_first() const noexcept { return first_ != nullptr && (!first_->gate_ || *first_->gate_); }

bool JobQueue::run_jobs() {
    take_new();
    const bool found = may_run_first();
    while (may_run_first()) {
        const std::unique_ptr<Job> job{std::exchange(first_, first_->next_)};
        waiting_bytes_ -= job->bytes_;
        run(*job);
    }
    return found;
}

void JobQueue::run(Job& job) noexcept {
    try {
        job.run();
    } catch (const std::exception& error) {
        log_failure(error.what());
    } catch (...) {
        log_failure("something that is no std::exception was thrown");
    }
}

void JobQueue::log_failure(const char* why) noexcept {
    if (!failures_.is_due(backend_->now())) {
        return;
    }
    try {
        log::error(std::string{"what another thread has sent to this loop failed: "} + why);
    } catch (...) {  // there is no memory for the line, but the loop goes on
    }
}

bool JobQueue::fall_asleep() noexcept {
    asleep_ = true;
    take_new();
    if (may_run_first()) {
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
    take_new();
    while (first_ != nullptr) {
        delete std::exchange(first_, first_->next_);
    }
}

}  // namespace c10k
