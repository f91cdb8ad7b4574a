#include "loop/blocking_pool.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <pthread.h>
#include <utility>

namespace c10k {
namespace {

// Blocks the signals that come from outside while it lives: a thread that begins meanwhile never gets them, so that
// they interrupt no function. Those of the thread's own faults it gets.
class SignalsBlocked {
public:
    SignalsBlocked() noexcept {
        sigset_t blocked;
        ::sigfillset(&blocked);
        for (const int own : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPROF, SIGSEGV, SIGSYS, SIGTRAP}) {
            ::sigdelset(&blocked, own);
        }
        ::pthread_sigmask(SIG_SETMASK, &blocked, &former_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t former_{};
};

}  // namespace

BlockingThreads::BlockingThreads(const BlockingLimits& limits)
    : max_threads_(limits.blocking_threads), max_calls_(std::size_t{limits.blocking_threads} + limits.blocking_queue) {}

BlockingThreads::~BlockingThreads() {
    Calls dropped;
    {
        const std::lock_guard lock{mutex_};
        is_ending_ = true;
        dropped = take_queued(nullptr);
    }
    is_queued_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

bool BlockingThreads::start(const std::shared_ptr<internal::BlockingCall>& call, Loop& loop) {
    const std::lock_guard lock{mutex_};
    if (queued_.size() + running_.size() >= max_calls_) {
        ++refused_;
        return false;
    }
    call->place_ = queued_.insert(queued_.end(), call);
    call->loop_ = &loop;
    call->is_queued_ = true;
    try {
        add_thread();
    } catch (...) {  // fewer threads than allowed will do, but none will not
        if (threads_.empty()) {
            queued_.pop_back();
            call->is_queued_ = false;
            throw;
        }
    }
    is_queued_.notify_one();
    return true;
}

void BlockingThreads::withdraw(internal::BlockingCall& call) noexcept {
    Calls dropped;
    const std::lock_guard lock{mutex_};
    if (std::exchange(call.is_queued_, false)) {
        dropped.splice(dropped.end(), queued_, call.place_);
    }
}

void BlockingThreads::finish(const Loop& loop) noexcept {
    Calls dropped;
    std::unique_lock lock{mutex_};
    dropped = take_queued(&loop);
    has_ended_.wait(lock, [&] {
        return std::none_of(running_.begin(), running_.end(), [&](const auto& call) { return call->loop_ == &loop; });
    });
}

BlockingCounts BlockingThreads::counts() const {
    const std::lock_guard lock{mutex_};
    return {.running = running_.size(), .queued = queued_.size(), .done = done_, .refused = refused_};
}

BlockingThreads::Calls BlockingThreads::take_queued(const Loop* loop) noexcept {
    Calls taken;
    for (auto next = queued_.begin(); next != queued_.end();) {
        const auto call = next++;
        if (loop == nullptr || (*call)->loop_ == loop) {
            (*call)->is_queued_ = false;
            taken.splice(taken.end(), queued_, call);
        }
    }
    return taken;
}

// ---- Threads

void BlockingThreads::add_thread() {
    const bool are_all_busy = queued_.size() + running_.size() > threads_.size();
    if (are_all_busy && threads_.size() < max_threads_) {
        const SignalsBlocked blocked;
        threads_.emplace_back(&BlockingThreads::work, this);
        ::pthread_setname_np(threads_.back().native_handle(), "c10k-blocking");
    }
}

void BlockingThreads::work() noexcept {
    std::unique_lock lock{mutex_};
    while (true) {
        is_queued_.wait(lock, [this] { return is_ending_ || !queued_.empty(); });
        if (queued_.empty()) {
            return;
        }
        running_.splice(running_.end(), queued_, queued_.begin());
        const auto place = std::prev(running_.end());
        const std::shared_ptr<internal::BlockingCall> call = *place;
        call->is_queued_ = false;
        lock.unlock();
        call->run();
        lock.lock();
        running_.erase(place);
        ++done_;
        has_ended_.notify_all();
    }
}

}  // namespace c10k
