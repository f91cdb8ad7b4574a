#include "gameoflife/condition.hpp"

namespace life {

void Condition::notify(std::size_t count) {
    for (; count > 0 && first_ != nullptr; --count) {
        first_->wake();
    }
}

void Condition::WaitAwaiter::await_suspend(std::coroutine_handle<> task) {
    suspend(task);
    start(delay_);
    previous_ = condition_.last_;
    (previous_ != nullptr ? previous_->next_ : condition_.first_) = this;
    condition_.last_ = this;
    ++condition_.waiting_;
}

void Condition::WaitAwaiter::wake() {
    cancel();
    (previous_ != nullptr ? previous_->next_ : condition_.first_) = next_;
    (next_ != nullptr ? next_->previous_ : condition_.last_) = previous_;
    --condition_.waiting_;
    resume();
}

}  // namespace life
