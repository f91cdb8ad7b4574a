#include "c10k/blocking.hpp"

#include "loop/blocking_pool.hpp"
#include "loop/loop.hpp"

namespace c10k::internal {

PooledCall::PooledCall(std::shared_ptr<BlockingCall> call)
    : pool_(*Loop::current().blocking_pool()), call_(std::move(call)) {
    if (!pool_.start(call_, Loop::current())) {
        throw BlockingQueueFull{};
    }
}

void PooledCall::withdraw() noexcept {
    if (call_) {
        pool_.withdraw(*call_);
        call_ = nullptr;
    }
}

}  // namespace c10k::internal
