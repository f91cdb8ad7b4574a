#include "c10k/task.hpp"

#include "base/block_pool.hpp"
#include "loop/loop.hpp"

namespace c10k {

static_assert(sizeof(StopScope) == 4 * sizeof(void*), "every connection has one");

void schedule(std::coroutine_handle<> task) { Loop::current().schedule(task); }

void schedule(StopScope& scope, std::coroutine_handle<> task) { Loop::current().schedule(scope, task); }

void StopScope::request_stop() noexcept {
    if (!requested_) {
        requested_ = true;
        wake();
    }
}

void StopScope::wake() noexcept {
    if (StopScope* inside = inner()) {
        if (!inside->shielded_) {
            inside->wake();
        }
    } else if (Awaiter* awaiter = waiting()) {
        awaiter->on_stop();
    }
}

namespace internal {

void* take_frame(std::size_t bytes) { return take_block(bytes); }

void give_frame(void* frame, std::size_t bytes) noexcept { give_block(frame, bytes); }

void continue_with(std::coroutine_handle<> task) noexcept { Loop::current().continue_with(task); }

TimedScope::TimedScope(TaskPromise& task, Duration limit, Outer outer) : task_(task), outer_(task.scope()) {
    scope_.outer_ = &outer_;
    scope_.shielded_ = outer == Outer::kIsShieldedOff;
    outer_.set_inner(&scope_);
    task_.set_scope(scope_);
    start(limit);
}

TimedScope::~TimedScope() {
    outer_.set_inner(nullptr);
    task_.set_scope(outer_);
}

void TimedScope::rethrow() const {
    if (scope_.requested_ && (scope_.shielded_ || !outer_.stop_requested())) {
        throw TimedOut{};
    }
    throw Stopped{};
}

}  // namespace internal
}  // namespace c10k
