#include "task/run.hpp"
#include "c10k/task.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>

namespace c10k {
namespace {

std::atomic<Backend*> interrupted_backend;
std::atomic<bool> interrupted;

void on_signal(int) {
    const int error = errno;  // of whatever was interrupted
    interrupted = true;
    if (Backend* backend = interrupted_backend) {
        backend->wake();
    }
    errno = error;
}

// SIGINT and SIGTERM, once: the second one meets the default and ends the process.
class StopSignals {
public:
    explicit StopSignals(Backend& backend) {
        interrupted = false;
        interrupted_backend = &backend;
        struct sigaction action {};
        action.sa_handler = &on_signal;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        ::sigaction(SIGINT, &action, &former_int_);
        ::sigaction(SIGTERM, &action, &former_term_);
    }
    ~StopSignals() {
        interrupted_backend = nullptr;
        ::sigaction(SIGINT, &former_int_, nullptr);
        ::sigaction(SIGTERM, &former_term_, nullptr);
    }
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

private:
    struct sigaction former_int_ {};
    struct sigaction former_term_ {};
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
        if (interrupted) {
            scope.request_stop();
        }
    });
}

void run(Task<> main) {
    Loop loop{make_backend(BackendChoice::kAuto)};
    run(loop, std::move(main));
}

}  // namespace c10k
