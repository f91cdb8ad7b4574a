#include "c10k/completion.hpp"

#include "loop/job_queue.hpp"
#include "loop/loop.hpp"

namespace c10k::internal {

// Continues the task on its loop.
class CompletionState::WakeJob final : public Job {
public:
    void run() override {
        if (CompletionAwaiter* waiter = std::exchange(state->waiter_, nullptr)) {
            waiter->wake();
        }
    }

    std::shared_ptr<CompletionState> state;  // null until it is posted: the state owns it
};

CompletionState::CompletionState() = default;
CompletionState::~CompletionState() = default;

bool CompletionState::fail(std::exception_ptr failure) noexcept {
    if (!begin_storing()) {
        return false;
    }
    failure_ = std::move(failure);
    end_storing(Phase::kFailed);
    return true;
}

void CompletionState::end_without_value() noexcept {
    if (begin_storing()) {
        end_storing(Phase::kMissing);
    }
}

bool CompletionState::abandon() noexcept {
    Phase pending = Phase::kPending;
    phase_.compare_exchange_strong(pending, Phase::kUnwanted);
    return is_over();
}

void CompletionState::begin_taking() {
    switch (phase_) {
        case Phase::kCompleted: phase_ = Phase::kTaken; return;
        case Phase::kFailed: std::rethrow_exception(failure_);
        case Phase::kMissing: throw NeverCompleted{};
        default: throw_mistake("wait(): the value was taken before");
    }
}

// ---- Waiting

bool CompletionState::begin_wait(CompletionAwaiter& waiter) {
    if (!wake_job_) {
        wake_job_ = std::make_unique<WakeJob>();
    }
    jobs_ = Loop::current().job_queue();
    waiter_ = &waiter;
    awaited_ = true;
    if (is_over() && awaited_.exchange(false)) {
        waiter_ = nullptr;
        return false;
    }
    return true;  // if it is over all the same, a completer is about to wake the task
}

void CompletionState::end_wait() noexcept {
    awaited_ = false;
    waiter_ = nullptr;
}

// Once at most: after it, is_over() lets no other wait begin.
void CompletionState::wake() noexcept {
    if (awaited_.exchange(false)) {
        wake_job_->state = shared_from_this();
        jobs_->post(std::move(wake_job_));
    }
}

}  // namespace c10k::internal
