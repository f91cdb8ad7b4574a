#include "c10k/semaphore.hpp"

namespace c10k {

void Semaphore::Permit::release() {
    if (semaphore_ != nullptr) {
        std::exchange(semaphore_, nullptr)->give_back();
    }
}

void Semaphore::set_limit(std::size_t limit) {
    limit_ = limit;
    give_out();
}

void Semaphore::give_back() {
    --held_;
    give_out();
}

void Semaphore::give_out() {
    while (first_ != nullptr && held_ < limit_) {
        AcquireAwaiter& next = *first_;
        next.unlink();
        ++held_;
        next.grant();
    }
}

bool Semaphore::AcquireAwaiter::await_ready() noexcept {
    if (is_stopped()) {
        return true;
    }
    if (semaphore_.held_ < semaphore_.limit_) {  // so no task waits
        ++semaphore_.held_;
        granted_ = true;
    }
    return granted_;
}

void Semaphore::AcquireAwaiter::await_suspend(std::coroutine_handle<> task) noexcept {
    previous_ = semaphore_.last_;
    (previous_ != nullptr ? previous_->next_ : semaphore_.first_) = this;
    semaphore_.last_ = this;
    suspend(task);
}

Semaphore::Permit Semaphore::AcquireAwaiter::await_resume() {
    Permit permit;
    if (granted_) {
        permit = Permit{semaphore_};
    }
    if (is_stopped()) {
        throw Stopped{};  // also if the permit came first: it goes to the next
    }
    return permit;
}

void Semaphore::AcquireAwaiter::unlink() noexcept {
    (previous_ != nullptr ? previous_->next_ : semaphore_.first_) = next_;
    (next_ != nullptr ? next_->previous_ : semaphore_.last_) = previous_;
    previous_ = nullptr;
    next_ = nullptr;
}

void Semaphore::AcquireAwaiter::grant() {
    granted_ = true;
    resume();
}

void Semaphore::AcquireAwaiter::on_stop() noexcept {
    if (policy_ == OnStop::kThrow) {
        unlink();
        resume();
    }
}

}  // namespace c10k
