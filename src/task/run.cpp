#include "task/run.hpp"

#include "c10k/task.hpp"
#include "task/handler_gate.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <mutex>

namespace c10k {
namespace {

std::atomic<int> interruption;  // the signal
HandlerGate handlers;

// The signals that ask the program to stop, each once: the second one takes its default action and ends the process. A
// signal stops every run() of the program, and arrives on any thread.
class StopSignals {
public:
    explicit StopSignals(Backend& backend) : backend_(backend) {
        const std::lock_guard lock{mutex};
        if (first == nullptr) {
            interruption = 0;
            install();
        }
        next_ = first.load();
        first = this;
    }
    ~StopSignals() {
        {
            const std::lock_guard lock{mutex};
            std::atomic<StopSignals*>* link = &first;
            while (*link != this) {
                link = &link->load()->next_;
            }
            *link = next_.load();
            if (first == nullptr) {
                restore();
            }
        }
        handlers.wait_until_empty();  // a handler may have found this object, and the backend
    }
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

private:
    static constexpr std::array kNumbers{SIGINT, SIGTERM, SIGUSR2};

    static void on_signal(int number) {
        const int error = errno;  // of the interrupted code
        {
            const HandlerGate::Visit visit{handlers};
            interruption = number;
            for (StopSignals* run = first; run != nullptr; run = run->next_) {
                run->backend_.wake();
            }
        }
        errno = error;
    }

    static void install() {
        struct sigaction action {};
        action.sa_handler = &on_signal;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        for (std::size_t i = 0; i < kNumbers.size(); ++i) {
            ::sigaction(kNumbers[i], &action, &former[i]);
        }
    }
    static void restore() {
        for (std::size_t i = 0; i < kNumbers.size(); ++i) {
            ::sigaction(kNumbers[i], &former[i], nullptr);
        }
    }

    static std::mutex mutex;  // for changes of the list; a handler only reads it
    static std::atomic<StopSignals*> first;
    static std::array<struct sigaction, kNumbers.size()> former;

    Backend& backend_;
    std::atomic<StopSignals*> next_{nullptr};
};

std::mutex StopSignals::mutex;
std::atomic<StopSignals*> StopSignals::first{nullptr};
std::array<struct sigaction, StopSignals::kNumbers.size()> StopSignals::former{};

class Done final : public CompletionListener {
public:
    void on_completed() noexcept override { done_ = true; }
    [[nodiscard]] bool is_set() const noexcept { return done_; }

private:
    bool done_ = false;
};

template <typename AfterTurn>
void turn_until_ended(Loop& loop, Task<> main, StopScope& scope, AfterTurn after_turn) {
    Done done;
    main.start(scope, done);
    while (!done.is_set()) {
        loop.turn();
        after_turn();
    }
    main.result();
}

}  // namespace

void run(Loop& loop, Task<> main, StopScope& scope) {
    turn_until_ended(loop, std::move(main), scope, [] {});
}

void run(Loop& loop, Task<> main) {
    const StopSignals signals{loop.backend()};
    StopScope scope;
    turn_until_ended(loop, std::move(main), scope, [&scope] {
        if (stop_signal() != 0) {
            scope.request_stop();
        }
    });
}

int stop_signal() noexcept { return interruption; }

void run(Task<> main) {
    Loop loop{make_backend(BackendChoice::kAuto)};
    run(loop, std::move(main));
}

}  // namespace c10k
