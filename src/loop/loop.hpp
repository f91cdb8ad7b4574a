#pragma once

#include "c10k/internal/ready.hpp"
#include "c10k/timer.hpp"
#include "loop/backend.hpp"
#include "loop/job_queue.hpp"
#include "loop/timer_wheel.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <typeindex>
#include <utility>
#include <vector>

namespace c10k {

class BlockingPool;
class Loop;

// Something with bytes to send. The loop flushes it when it has nothing better to do, or at the end of the turn.
class Flushable {
public:
    Flushable() = default;
    Flushable(const Flushable&) = delete;
    Flushable& operator=(const Flushable&) = delete;

    // Sends what there is. Called once, however often the loop was asked for it since the last time.
    virtual void flush() = 0;

protected:
    ~Flushable();

private:
    friend class Loop;

    // Those that wait, in their order.
    struct Queue {
        Flushable* oldest = nullptr;
        Flushable* newest = nullptr;
        std::size_t bytes = 0;

        void add(Flushable& flushable) noexcept;
        void remove(Flushable& flushable) noexcept;
    };

    Queue* queue_ = nullptr;  // where it waits
    Flushable* previous_ = nullptr;
    Flushable* next_ = nullptr;
    std::uint32_t bytes_ = 0;
    std::uint32_t since_ = 0;  // ms of the loop's clock, cut to 32 bits
};

// Something that gathers work during a turn of the loop, and does it at the end of the turn.
class EndOfTurn {
public:
    EndOfTurn() = default;
    EndOfTurn(const EndOfTurn&) = delete;
    EndOfTurn& operator=(const EndOfTurn&) = delete;

    // Called once, however often Loop::at_end_of_turn() was called in this turn.
    virtual void end_turn() = 0;

protected:
    ~EndOfTurn();

private:
    friend class Loop;

    Loop* queued_on_ = nullptr;
};

// Something that its owner lets go with Loop::retire(): the loop destroys it in the last line of its turn, when none of
// its functions can be on the stack.
class Retirable {
public:
    Retirable() = default;
    Retirable(const Retirable&) = delete;
    Retirable& operator=(const Retirable&) = delete;
    virtual ~Retirable() = default;

protected:
    // For a list of the owner, who has taken the object out of it before retire().
    Retirable* link_ = nullptr;

private:
    friend class Loop;
};

// One event loop, on one thread. A turn takes in all that has happened, resumes the tasks that became ready, and sends.
//
// Input comes first: as long as anything can be read, it is read and handled. Only when nothing can are the oldest 64
// connections with something to send flushed, one send each, before the loop looks for input again. Under load, what
// one connection is to be sent gathers meanwhile and goes out together, and without load nothing waits.
class Loop {
public:
    explicit Loop(std::unique_ptr<Backend> backend);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // The loop of this thread. Throws std::logic_error if there is none.
    [[nodiscard]] static Loop& current();
    // The same, or null.
    [[nodiscard]] static Loop* current_if_any() noexcept;

    [[nodiscard]] Backend& backend() noexcept { return *backend_; }
    [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
    [[nodiscard]] const std::shared_ptr<JobQueue>& job_queue() const noexcept { return jobs_; }
    // For functions that block. Loops that share one are given it before anybody asks; others make one of their own.
    [[nodiscard]] const std::shared_ptr<BlockingPool>& blocking_pool();
    void set_blocking_pool(std::shared_ptr<BlockingPool> pool) noexcept { blocking_pool_ = std::move(pool); }
    // Milliseconds of the backend's clock, as of the last look at it; in Timer::on_time(), Backend::heard_until().
    [[nodiscard]] std::int64_t now() const noexcept { return now_; }

    // One turn. With nothing to do it sleeps until something happens.
    void turn() { turn(std::nullopt); }
    // The same, but it sleeps no longer than until the backend's clock shows `latest`.
    void turn(std::optional<std::int64_t> latest);
    // Whether the next turn has something to do already, and will not sleep.
    [[nodiscard]] bool has_work() const;
    // Turns as long as there is something to do, and does not sleep: for tests with a manual clock.
    void run_until_idle();

    // Resumes `task` later in this turn. `place` is its place in the queue, and stays until then.
    // Throws std::logic_error if it is taken.
    void schedule(internal::Ready& place, std::coroutine_handle<> task);
    void schedule(std::coroutine_handle<> task) { ready_.push_back(task); }
    void continue_with(std::coroutine_handle<> task) noexcept { next_ = task; }

    void at_end_of_turn(EndOfTurn& work);
    void forget(EndOfTurn& work) noexcept;

    // Flushes `flushable` soon; `bytes` is how much has been added to it.
    void flush_later(Flushable& flushable, std::size_t bytes);
    // Flushes it at the end of this turn, while the processor has its bytes at hand: for one whose flush() makes no
    // call of the kernel. Does nothing if it waits to be flushed already.
    void flush_in_turn(Flushable& flushable) noexcept;

    // Destroys `object` at the end of this turn. Takes no memory.
    void retire(std::unique_ptr<Retirable> object) noexcept;

    // Puts a `Wrapping`, made of the backend that there is, around it. Sockets and references to the old one stay good.
    template <typename Wrapping>
    Wrapping& wrap_backend() {
        auto wrapping = std::make_unique<Wrapping>(std::move(backend_));
        Wrapping& made = *wrapping;
        backend_ = std::move(wrapping);
        return made;
    }

    // The object of type T that belongs to this loop; made at the first call. It dies with the loop.
    template <typename T>
    T& local() {
        for (const auto& [type, object] : locals_) {
            if (type == typeid(T)) {
                return *static_cast<T*>(object.get());
            }
        }
        locals_.emplace_back(typeid(T), std::make_shared<T>(*this));
        return *static_cast<T*>(locals_.back().second.get());
    }

private:
    // Something of this loop's own is to be done: the next turn only looks for news.
    [[nodiscard]] bool is_busy() const noexcept {
        return first_ready_ != nullptr || !ready_.empty() || later_.oldest != nullptr || in_turn_.oldest != nullptr ||
               !at_end_.empty();
    }
    // The steps of a turn. Returns how much happened.
    int run_turn(std::optional<std::int64_t> until);
    bool run_ready();
    void resume(std::coroutine_handle<> task);
    void end_turn();
    [[nodiscard]] bool must_flush() const noexcept;
    int flush_oldest();
    int flush_in_turn();
    void destroy_retired() noexcept;

    Loop* outer_;  // the loop that was this thread's before, restored at the end
    std::unique_ptr<Backend> backend_;
    std::int64_t now_;
    TimerWheel timers_;
    std::shared_ptr<JobQueue> jobs_;
    std::shared_ptr<BlockingPool> blocking_pool_;
    internal::Ready* first_ready_ = nullptr;
    internal::Ready* last_ready_ = nullptr;
    std::vector<std::coroutine_handle<>> ready_;  // those without a place of their own
    std::vector<std::coroutine_handle<>> running_;
    std::vector<EndOfTurn*> at_end_;
    std::coroutine_handle<> next_;
    Flushable::Queue later_;
    Flushable::Queue in_turn_;
    Retirable* retired_ = nullptr;
    std::vector<std::pair<std::type_index, std::shared_ptr<void>>> locals_;
};

}  // namespace c10k
