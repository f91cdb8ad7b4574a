#include "c10k/descriptor.hpp"

#include "loop/loop.hpp"

#include <system_error>

namespace c10k {

void DescriptorAwaiter::await_suspend(std::coroutine_handle<> task) {
    Loop::current().backend().watch(descriptor_, wanted_, *this);
    suspend(task);
}

void DescriptorAwaiter::await_resume() const {
    throw_if_stopped();
    if (error_ != 0) {
        const char* const call = wanted_ == internal::Readiness::kReadable ? "readable()" : "writable()";
        throw std::system_error(error_, std::system_category(), call);
    }
}

void DescriptorAwaiter::on_ready(int error) {
    error_ = error;
    resume();
}

void DescriptorAwaiter::on_stop() noexcept {
    Loop::current().backend().unwatch(descriptor_, wanted_);
    resume();
}

bool DescriptorAwaiter::on_interrupt() noexcept {
    on_stop();
    return true;
}

}  // namespace c10k
