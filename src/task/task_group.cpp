#include "base/log.hpp"
#include "c10k/task.hpp"

#include <string>

namespace c10k {

// A spawned task with its scope, in the group's list. It destroys itself when the task has ended.
class TaskGroup::Member final : Completion {
public:
    Member(TaskGroup& group, Task<> task, FailureHandler on_failure)
        : group_(group), task_(std::move(task)), on_failure_(std::move(on_failure)), next_(group.first_) {
        task_.start(scope_, *this);
        if (next_ != nullptr) {
            next_->previous_ = this;
        }
        group_.first_ = this;
        ++group_.size_;
        if (group_.stopping_) {
            scope_.request_stop();
        }
    }

    void stop() noexcept { scope_.request_stop(); }
    [[nodiscard]] Member* next() const noexcept { return next_; }

private:
    void on_completed() noexcept override {
        try {
            task_.result();
        } catch (const Stopped&) {  // it was asked to
        } catch (...) {
            if (on_failure_) {
                on_failure_(std::current_exception());
            } else {
                if (!group_.failure_) {
                    group_.failure_ = std::current_exception();
                }
                group_.stop();
            }
        }
        (previous_ != nullptr ? previous_->next_ : group_.first_) = next_;
        if (next_ != nullptr) {
            next_->previous_ = previous_;
        }
        if (--group_.size_ == 0 && group_.joiner_ != nullptr) {
            group_.joiner_->resume();
        }
        delete this;
    }

    TaskGroup& group_;
    Task<> task_;
    FailureHandler on_failure_;
    StopScope scope_;
    Member* previous_ = nullptr;
    Member* next_;
};

void TaskGroup::spawn(Task<> task) { spawn(std::move(task), nullptr); }

void TaskGroup::spawn(Task<> task, FailureHandler on_failure) {
    new Member{*this, std::move(task), std::move(on_failure)};  // owns itself, and is in the list until it ends
}

void TaskGroup::stop() noexcept {
    stopping_ = true;
    for (Member* member = first_; member != nullptr; member = member->next()) {
        member->stop();  // ends no task: whoever is woken by this runs later in the turn
    }
}

bool TaskGroup::JoinAwaiter::await_ready() {
    if (stop_requested()) {
        group_.stop();
    }
    return group_.size_ == 0;
}

void TaskGroup::JoinAwaiter::await_suspend(std::coroutine_handle<> task) {
    group_.joiner_ = this;
    suspend(task);
}

void TaskGroup::JoinAwaiter::await_resume() const {
    group_.joiner_ = nullptr;
    if (group_.failure_) {
        std::rethrow_exception(group_.failure_);
    }
    throw_if_stopped();
}

void log_failure(std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const std::exception& error) {
        log::error(error.what());
    } catch (...) {
        log::error("a task failed with an exception that is not a std::exception");
    }
}

}  // namespace c10k
