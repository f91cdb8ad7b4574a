#include "base/log.hpp"
#include "c10k/task.hpp"
#include "loop/loop.hpp"

#include <memory>
#include <string>

namespace c10k {

// A spawned task with its scope. It is in the group's list until the task has ended; then the group retires it.
class TaskGroup::Member : public Retirable, CompletionListener {
public:
    class Told;
    class Handled;

    Member(TaskGroup& group, Task<> task) : group_(group), task_(std::move(task)) { task_.start(scope_, *this); }

    // It is in the list of its group from now on.
    static void enter(std::unique_ptr<Member> entering) noexcept;

protected:
    // Inside of the handler of the task's exception. Throws nothing.
    virtual void fail() {
        if (!group_.failure_) {
            group_.failure_ = std::current_exception();
        }
        group_.stop();
    }
    // Destroys all that the caller has given it but the task.
    virtual void forget() noexcept {}

    TaskGroup& group_;

private:
    friend class TaskGroup;

    void on_completed() noexcept override {
        try {
            task_.result();
        } catch (const Stopped&) {  // it was asked to
        } catch (...) {
            fail();
        }
        // Destroy the task and everything that the caller has given it before the group goes on.
        task_ = {};
        forget();
        group_.retire(*this);
    }

    Task<> task_;
    StopScope scope_;
    Member* previous_ = nullptr;
    Member* next_ = nullptr;
};

// One whose failure the group's handler is told.
class TaskGroup::Member::Told final : public Member {
public:
    using Member::Member;

private:
    void fail() override { group_.on_failure_(std::current_exception()); }
};

// One that has a failure handler of its own.
class TaskGroup::Member::Handled final : public Member {
public:
    Handled(TaskGroup& group, Task<> task, FailureHandler on_failure)
        : Member(group, std::move(task)), on_failure_(std::move(on_failure)) {}

private:
    void fail() override { on_failure_(std::current_exception()); }
    void forget() noexcept override { on_failure_ = nullptr; }

    FailureHandler on_failure_;
};

void TaskGroup::retire(Member& member) noexcept {
    (member.previous_ != nullptr ? member.previous_->next_ : first_) = member.next_;
    if (member.next_ != nullptr) {
        member.next_->previous_ = member.previous_;
    }
    Loop::current().retire(std::unique_ptr<Retirable>{&member});
    if (--size_ == 0 && joiner_ != nullptr) {
        joiner_->resume();
    }
}

void TaskGroup::spawn(Task<> task) {
    if (on_failure_) {
        Member::enter(std::make_unique<Member::Told>(*this, std::move(task)));
    } else {
        Member::enter(std::make_unique<Member>(*this, std::move(task)));
    }
}

void TaskGroup::spawn(Task<> task, FailureHandler on_failure) {
    if (on_failure == nullptr) {
        spawn(std::move(task));
    } else {
        Member::enter(std::make_unique<Member::Handled>(*this, std::move(task), std::move(on_failure)));
    }
}

void TaskGroup::Member::enter(std::unique_ptr<Member> entering) noexcept {
    Member* const member = entering.release();
    TaskGroup& group = member->group_;
    member->next_ = group.first_;
    if (group.first_ != nullptr) {
        group.first_->previous_ = member;
    }
    group.first_ = member;
    ++group.size_;
    if (group.stopping_) {
        member->scope_.request_stop();
    }
}

void TaskGroup::stop() noexcept {
    stopping_ = true;
    for (Member* member = first_; member != nullptr; member = member->next_) {
        member->scope_.request_stop();  // ends no task: a task that this wakes runs later in the turn
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
