#pragma once

#include "base/log.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace c10k {

class Backend;

// Something for a loop to do, once, on behalf of another thread.
class Job {
public:
    Job() = default;
    virtual ~Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    // Thread: that of the loop. An exception cannot reach the producer any more: the queue logs it, and goes on.
    virtual void run() = 0;

private:
    friend class JobQueue;

    Job* next_ = nullptr;
    std::size_t bytes_ = 0;
    std::shared_ptr<const std::atomic<bool>> gate_;
};

// A job that calls `call()`.
template <typename Call>
[[nodiscard]] std::unique_ptr<Job> make_job(Call call) {
    class CallJob final : public Job {
    public:
        explicit CallJob(Call&& call) : call_(std::move(call)) {}
        void run() override { call_(); }

    private:
        Call call_;
    };
    return std::make_unique<CallJob>(std::move(call));
}

// The jobs that other threads have for a loop, in a queue without a lock. It outlives the loop, and drops later jobs.
//
// Jobs of one thread run in their order, and a job that was put before another one was, by whatever thread, runs before
// it.
class JobQueue {
public:
    static constexpr std::size_t kMaxWaitingBytes = 64 * 1024 * 1024;

    explicit JobQueue(Backend& backend) noexcept : backend_(&backend) {}
    ~JobQueue();
    JobQueue(const JobQueue&) = delete;
    JobQueue& operator=(const JobQueue&) = delete;

    // ---- For all threads

    // Queues `job`, which holds this many bytes, for one of the loop's next turns. Returns false if the loop has ended.
    bool post(std::unique_ptr<Job> job, std::size_t bytes = 0);
    // The same in two steps, for a producer with jobs for several loops: put() does not wake the loop. While `gate` is
    // there and false, neither the job runs nor any behind it; wake() once it is true.
    bool put(std::unique_ptr<Job> job, std::size_t bytes = 0, std::shared_ptr<const std::atomic<bool>> gate = nullptr);
    void wake();
    // Queues a call of `call()` for one of the loop's next turns. Returns false if the loop has ended.
    template <typename Call>
    bool post_call(Call call, std::size_t bytes = 0) {
        return post(make_job(std::move(call)), bytes);
    }
    // Whether the waiting jobs and this many more bytes are within the limit; an empty queue has room for anything. For
    // producers that do not wait: while the loop is busy, they would fill memory.
    [[nodiscard]] bool has_room_for(std::size_t bytes) const noexcept {
        const std::size_t waiting = waiting_bytes_;
        return waiting == 0 || waiting + bytes <= max_waiting_bytes_;
    }
    void limit(std::size_t max_waiting_bytes) noexcept { max_waiting_bytes_ = max_waiting_bytes; }

    // ---- For the loop

    // Runs the jobs that may run. Returns whether there was any. A job that fails neither ends the loop nor holds up
    // others.
    bool run_jobs();
    // Whether there is a job that may run, or one that is new.
    [[nodiscard]] bool has_jobs() const noexcept { return newest_.load() != nullptr || may_run_first(); }
    // For the loop to call before it sleeps: returns false if a job may run. Until awake(), jobs wake the loop.
    [[nodiscard]] bool fall_asleep() noexcept;
    void awake() noexcept { asleep_ = false; }
    // Drops the jobs that wait and all that are still to come. The backend is not touched after it.
    void close() noexcept;

private:
    // A thread that is between looking whether the queue is open and being done with the backend.
    class Producer;

    // Takes over what other threads have put, in its order.
    void take_new() noexcept;
    [[nodiscard]] bool may_run_first() const noexcept;
    void run(Job& job) noexcept;
    void log_failure(const char* why) noexcept;
    void drop_all() noexcept;

    Backend* backend_;
    std::atomic<Job*> newest_{nullptr};  // the latest first
    std::atomic<int> producers_{0};
    std::atomic<std::size_t> waiting_bytes_{0};
    std::atomic<std::size_t> max_waiting_bytes_{kMaxWaitingBytes};
    std::atomic<bool> open_{true};
    std::atomic<bool> asleep_{false};
    // The loop's own: the jobs that it has taken over, in their order.
    Job* first_ = nullptr;
    Job* last_ = nullptr;
    log::RateLimit failures_;
};

}  // namespace c10k
