#pragma once

#include "c10k/internal/blocking_call.hpp"
#include "c10k/limits.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace c10k {

class Loop;

// The work of a pool so far.
struct BlockingCounts {
    std::uint64_t running = 0;  // now
    std::uint64_t queued = 0;   // now
    std::uint64_t done = 0;
    std::uint64_t refused = 0;  // since the queue was full
};

// Runs functions that may block. The loops of a program share one.
class BlockingPool {
public:
    BlockingPool() = default;
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;
    virtual ~BlockingPool() = default;

    // Runs `call`, of a task on `loop`, soon. Returns false, and counts it, if too many wait. Throws std::system_error
    // if there is no thread and the kernel gives none.
    virtual bool start(const std::shared_ptr<internal::BlockingCall>& call, Loop& loop) = 0;
    // Drops the call unless it has begun.
    virtual void withdraw(internal::BlockingCall& call) noexcept = 0;
    // Drops the calls of `loop` that have not begun, and returns when the others have ended.
    virtual void finish(const Loop& loop) noexcept = 0;

    // Thread: any.
    [[nodiscard]] virtual BlockingCounts counts() const = 0;
};

// Runs them on threads, which it starts when all others are busy and keeps. Thread: any.
class BlockingThreads final : public BlockingPool {
public:
    explicit BlockingThreads(const BlockingLimits& limits = {});
    // Drops the calls that have not begun, and waits for the others.
    ~BlockingThreads() override;

    bool start(const std::shared_ptr<internal::BlockingCall>& call, Loop& loop) override;
    void withdraw(internal::BlockingCall& call) noexcept override;
    void finish(const Loop& loop) noexcept override;
    [[nodiscard]] BlockingCounts counts() const override;

private:
    using Calls = std::list<std::shared_ptr<internal::BlockingCall>>;

    // One more thread, if all are busy and there may be more.
    void add_thread();
    void work() noexcept;
    // Moves the queued calls of `loop`, or of all loops if it is null, to the caller, who destroys them without the
    // lock.
    [[nodiscard]] Calls take_queued(const Loop* loop) noexcept;

    const std::size_t max_threads_;
    const std::size_t max_calls_;  // of both lists

    mutable std::mutex mutex_;  // for all that follows
    std::condition_variable is_queued_;
    std::condition_variable has_ended_;
    Calls queued_;
    Calls running_;
    std::vector<std::thread> threads_;
    std::uint64_t done_ = 0;
    std::uint64_t refused_ = 0;
    bool is_ending_ = false;
};

}  // namespace c10k
