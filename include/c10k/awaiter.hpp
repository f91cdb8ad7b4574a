#pragma once

#include "c10k/internal/ready.hpp"
#include "c10k/timer.hpp"

#include <coroutine>
#include <utility>

// For awaiters of your own, such as a client of a database or a queue between tasks. Everybody else needs
// c10k/task.hpp.
namespace c10k {

class Awaiter;

namespace internal {
class TimedScope;
}

// Thrown by every awaiter of a task that was asked to stop. No std::exception, so that no handler of errors eats it.
class Stopped {};

// Where requests to stop reach a task: a task and all that it awaits share one scope; with_timeout() and shielded()
// put another one inside it. A request is not a fact: the task goes on until it has ended.
class StopScope : public internal::Ready {
public:
    StopScope() = default;

    void request_stop() noexcept;
    [[nodiscard]] bool stop_requested() const noexcept {
        return requested_ || (outer_ != nullptr && !shielded_ && outer_->stop_requested());
    }

private:
    friend class Awaiter;
    friend class internal::TimedScope;

    void wake() noexcept;

    // A task that is ready neither waits nor has an inner scope: its queue uses the room of both.
    [[nodiscard]] StopScope* inner() const noexcept { return is_queued() ? nullptr : static_cast<StopScope*>(link_); }
    [[nodiscard]] Awaiter* waiting() const noexcept { return is_queued() ? nullptr : static_cast<Awaiter*>(who_); }
    void set_inner(StopScope* inner) noexcept { link_ = inner; }
    void set_waiting(Awaiter* waiting) noexcept { who_ = waiting; }

    bool requested_ = false;
    bool shielded_ = false;
    StopScope* outer_ = nullptr;
};

// Continues `task` later in this turn of this thread's loop; nothing is ever resumed from inside a callback.
// Throws std::logic_error if no loop runs on this thread.
void schedule(std::coroutine_handle<> task);
// The same for the task whose scope that is. Takes no memory. Throws std::logic_error also if a task of that scope is
// scheduled already: there is one at a time.
void schedule(StopScope& scope, std::coroutine_handle<> task);

// Something that a suspended task waits for, other than a task: the base of recv(), send(), sleep_for() and the like.
class Awaiter {
public:
    void bind(StopScope& scope) noexcept { scope_ = &scope; }

    // Ends the wait of a task that is suspended here, as if what it waits for had not come: recv() then returns nothing
    // although the socket is open, and send(), closed(), sleep_for(), readable() and writable() return. Nothing is
    // lost, and nobody is asked to stop: the task may wait again. The other awaiters of the library wait on. Returns
    // whether it has ended a wait. For code that cancels a wait for reasons of its own:
    //
    //     WebSocket::RecvAwaiter next = socket.recv();
    //     pending_ = &next;  // others call pending_->interrupt()
    //     const auto message = co_await next;
    //     pending_ = nullptr;
    //
    // Thread: that of the task's loop.
    bool interrupt() noexcept { return is_suspended() && on_interrupt(); }

protected:
    Awaiter() = default;
    Awaiter(const Awaiter&) = default;
    Awaiter& operator=(const Awaiter&) = default;
    ~Awaiter() = default;

    [[nodiscard]] bool stop_requested() const noexcept { return scope_->stop_requested(); }
    void throw_if_stopped() const {
        if (stop_requested()) {
            throw Stopped{};
        }
    }
    [[nodiscard]] bool is_suspended() const noexcept { return task_ != nullptr; }

    void suspend(std::coroutine_handle<> task) noexcept {
        task_ = task;
        scope_->set_waiting(this);
    }
    // Schedules the task that suspend() noted; does nothing if there is none. Takes no memory.
    void resume() {
        if (task_ != nullptr) {
            schedule(*scope_, std::exchange(task_, nullptr));
        }
    }

    // A stop was requested while the task is suspended: end the wait and resume(), now or soon.
    virtual void on_stop() noexcept = 0;
    // interrupt() was called while the task is suspended: end the wait, resume(), and return true. An awaiter whose
    // result has no value for "it has not come" returns false and waits on.
    virtual bool on_interrupt() noexcept { return false; }

private:
    friend class StopScope;

    std::coroutine_handle<> task_;
    StopScope* scope_ = nullptr;
};

// Is told that a task has ended. The frame of the task, and that alone, may be destroyed from inside the call.
class CompletionListener {
public:
    virtual void on_completed() noexcept = 0;

protected:
    ~CompletionListener() = default;
};

// ---- The awaiters of sleep_for() and until_stopped()

class [[nodiscard]] SleepAwaiter final : public Awaiter, private Timer {
public:
    explicit SleepAwaiter(Duration delay) noexcept : delay_(delay) {}
    SleepAwaiter(const SleepAwaiter& other) noexcept : Awaiter(other), Timer(), delay_(other.delay_) {}
    [[nodiscard]] bool await_ready() const noexcept { return stop_requested(); }
    void await_suspend(std::coroutine_handle<> task) {
        suspend(task);
        start(delay_);
    }
    void await_resume() const { throw_if_stopped(); }

private:
    void on_time() override { resume(); }
    void on_stop() noexcept override {
        cancel();
        resume();
    }
    bool on_interrupt() noexcept override {
        on_stop();
        return true;
    }

    Duration delay_;
};

class [[nodiscard]] StopAwaiter final : public Awaiter {
public:
    [[nodiscard]] bool await_ready() const noexcept { return stop_requested(); }
    void await_suspend(std::coroutine_handle<> task) noexcept { suspend(task); }
    void await_resume() const { throw_if_stopped(); }

private:
    void on_stop() noexcept override { resume(); }
};

}  // namespace c10k
