#pragma once

#include "c10k/task.hpp"

#include <cstddef>
#include <utility>

namespace c10k {

// Lets a limited number of tasks do something at the same time. The others wait for their turn, first come, first
// served.
//
//     Semaphore downloads{8};
//     ...
//     const Semaphore::Permit turn = co_await downloads.acquire();
//
// Thread: a semaphore belongs to the tasks of one loop.
// Requires: it outlives its permits and those who wait for one. Not checked: that would cost each permit a count.
class Semaphore {
public:
    class AcquireAwaiter;

    // The right to go on, until it is destroyed.
    class [[nodiscard]] Permit {
    public:
        Permit() noexcept = default;
        Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
        Permit& operator=(Permit&& other) noexcept {
            std::swap(semaphore_, other.semaphore_);
            return *this;
        }
        ~Permit() { release(); }

        // Gives it back early. Does nothing if it has been given back.
        void release();

    private:
        friend class AcquireAwaiter;

        explicit Permit(Semaphore& semaphore) noexcept : semaphore_(&semaphore) {}

        Semaphore* semaphore_ = nullptr;
    };

    enum class OnStop {
        kThrow,   // the wait ends with Stopped
        kWaitOn,  // a task that was stopped waits all the same: for its last steps
    };

    explicit Semaphore(std::size_t limit) noexcept : limit_(limit) {}
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    // Suspends until there is a permit, and takes it. Stops, unless told otherwise.
    AcquireAwaiter acquire(OnStop on_stop = OnStop::kThrow) noexcept;

    // How many permits there are. With fewer than are held, the next one is given out when enough have come back.
    void set_limit(std::size_t limit);
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] std::size_t held() const noexcept { return held_; }
    [[nodiscard]] bool has_waiting() const noexcept { return first_ != nullptr; }

private:
    void give_back();
    // Gives permits to those who wait, as long as there are any.
    void give_out();

    std::size_t limit_;
    std::size_t held_ = 0;
    AcquireAwaiter* first_ = nullptr;
    AcquireAwaiter* last_ = nullptr;
};

class [[nodiscard]] Semaphore::AcquireAwaiter final : public Awaiter {
public:
    AcquireAwaiter(Semaphore& semaphore, OnStop on_stop) noexcept : semaphore_(semaphore), policy_(on_stop) {}

    [[nodiscard]] bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> task) noexcept;
    Permit await_resume();

private:
    friend class Semaphore;

    [[nodiscard]] bool is_stopped() const noexcept { return policy_ == OnStop::kThrow && stop_requested(); }
    void unlink() noexcept;
    void grant();
    void on_stop() noexcept override;

    Semaphore& semaphore_;
    OnStop policy_;
    bool granted_ = false;
    AcquireAwaiter* previous_ = nullptr;
    AcquireAwaiter* next_ = nullptr;
};

inline Semaphore::AcquireAwaiter Semaphore::acquire(OnStop on_stop) noexcept { return AcquireAwaiter{*this, on_stop}; }

}  // namespace c10k
