#pragma once

#include "base/log.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace c10k {

class Backend;

// Something to be done on another loop, once.
class Job {
public:
    Job() = default;
    virtual ~Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    // Thread: that of the loop. Its sender cannot be told any more if it throws: the job queue logs that, and goes on.
    virtual void read() = 0;
    // Until then it waits, and so do all behind it.
    [[nodiscard]] virtual bool may_run() const noexcept { return true; }

private:
    friend class JobQueue;

    Job* next_ = nullptr;
    std::size_t bytes_ = 0;
};

// A job that calls `call()`.
template <typename Call>
[[nodiscard]] std::unique_ptr<Job> make_job(Call call) {
    class CallJob final : public Job {
    public:
        explicit CallJob(Call&& call) : call_(std::move(call)) {}
        void read() override { call_(); }

    private:
        Call call_;
    };
    return std::make_unique<CallJob>(std::move(call));
}

// The way to a loop from other threads, without a lock. It outlives the loop: what is posted after that is dropped.
//
// Jobs of one thread are read in their order, and a job that was posted before another one was, by whatever
// thread, is read before it.
class JobQueue {
public:
    static constexpr std::size_t kMaxUnreadBytes = 64 * 1024 * 1024;

    explicit JobQueue(Backend& backend) noexcept : backend_(&backend) {}
    ~JobQueue();
    JobQueue(const JobQueue&) = delete;
    JobQueue& operator=(const JobQueue&) = delete;

    // ---- For all threads

    // Has `job`, which holds so many bytes, read in one of the loop's next turns. Returns false if the loop has
    // gone.
    bool post(std::unique_ptr<Job> job, std::size_t bytes = 0);
    // The same in two steps, for who has jobs for several loops: put() does not wake the loop.
    bool put(std::unique_ptr<Job> job, std::size_t bytes = 0);
    void wake();
    // Has `call()` called in one of the loop's next turns. Returns false if the loop has gone.
    template <typename Call>
    bool post_call(Call call, std::size_t bytes = 0) {
        return post(make_job(std::move(call)), bytes);
    }
    // Whether what is unread and so much more is within the limit. To be asked by those whose jobs nobody waits for:
    // a loop that is busy for long would let them fill memory. If nothing is unread, there is room for anything.
    [[nodiscard]] bool has_room_for(std::size_t bytes) const noexcept {
        const std::size_t unread = unread_bytes_;
        return unread == 0 || unread + bytes <= most_unread_bytes_;
    }
    void limit(std::size_t most_unread_bytes) noexcept { most_unread_bytes_ = most_unread_bytes; }

    // ---- For the loop

    // Reads what there is. Returns whether it was anything. No job that fails ends the loop or holds up others.
    bool read();
    // To be asked before the loop sleeps: false if there is something to read. Until it is awake, jobs wake it.
    [[nodiscard]] bool fall_asleep() noexcept;
    void awake() noexcept { asleep_ = false; }
    // Drops what is unread and what is still to come. The backend is not touched after it.
    void close() noexcept;

private:
    // A thread that is between looking whether the job queue is open and being done with the backend.
    class Producer;

    void take_in() noexcept;
    void read(Job& job) noexcept;
    // Logs that a job has failed.
    void complain(const char* why) noexcept;
    [[nodiscard]] bool has_readable() const noexcept;
    void drop_all() noexcept;

    Backend* backend_;
    std::atomic<Job*> newest_{nullptr};  // the latest first
    std::atomic<int> producers_{0};
    std::atomic<std::size_t> unread_bytes_{0};
    std::atomic<std::size_t> most_unread_bytes_{kMaxUnreadBytes};
    std::atomic<bool> open_{true};
    std::atomic<bool> asleep_{false};
    // The loop's own: what it has taken in and not read, in order.
    Job* first_ = nullptr;
    Job* last_ = nullptr;
    log::RateLimit complaint_;
};

}  // namespace c10k
