#include "task/run.hpp"
#include "c10k/task.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>

namespace c10k {
namespace {

std::atomic<Backend*> interrupted_backend;
std::atomic<int> interruption;  // the signal

void on_signal(int number) {
    const int error = errno;  // of whatever was interrupted
    interruption = number;
    if (Backend* backend = interrupted_backend) {
        backend->wake();
    }
    errno = error;
}

// Those that ask us to stop, each once: the second one meets the default and ends the process.
class StopSignals {
public:
    explicit StopSignals(Backend& backend) {
        interruption = 0;
        interrupted_backend = &backend;
        struct sigaction action {};
        action.sa_handler = &on_signal;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        for (std::size_t i = 0; i < kNumbers.size(); ++i) {
            ::sigaction(kNumbers[i], &action, &former_[i]);
        }
    }
    ~StopSignals() {
        interrupted_backend = nullptr;
        for (std::size_t i = 0; i < kNumbers.size(); ++i) {
            ::sigaction(kNumbers[i], &former_[i], nullptr);
        }
    }
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

private:
    static constexpr std::array kNumbers{SIGINT, SIGTERM, SIGUSR2};

    std::array<struct sigaction, kNumbers.size()> former_{};
};

class Done final : public Completion {
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
