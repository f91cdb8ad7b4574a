#include "testkit/inline_blocking.hpp"

#include "loop/loop.hpp"

#include <algorithm>
#include <utility>

namespace c10k::testkit {

void InlineBlocking::limit(Loop& loop, const BlockingLimits& limits) {
    dynamic_cast<InlineBlocking&>(*loop.blocking_pool()).limits_ = limits;
}

bool InlineBlocking::start(const std::shared_ptr<internal::BlockingCall>& call, Loop& loop) {
    if (calls_.size() >= std::size_t{limits_.blocking_threads} + limits_.blocking_queue) {
        ++refused_;
        return false;
    }
    loop_ = &loop;
    calls_.emplace(loop.now() + std::chrono::ceil<std::chrono::milliseconds>(time_()).count(), call);
    start_timer();
    return true;
}

void InlineBlocking::withdraw(internal::BlockingCall& call) noexcept {
    const auto place =
        std::find_if(calls_.begin(), calls_.end(), [&call](const auto& one) { return one.second.get() == &call; });
    if (place != calls_.end()) {
        calls_.erase(place);
    }
}

void InlineBlocking::finish(const Loop& /*loop*/) noexcept {
    cancel();
    calls_.clear();
}

BlockingCounts InlineBlocking::counts() const {
    return {.running = 0, .queued = calls_.size(), .done = done_, .refused = refused_};
}

void InlineBlocking::on_time() {
    while (!calls_.empty() && calls_.begin()->first <= loop_->now()) {
        const auto call = calls_.extract(calls_.begin());
        call.mapped()->run();
        ++done_;
    }
    start_timer();
}

// Those that are started or withdrawn meanwhile leave the timer too early at worst.
void InlineBlocking::start_timer() {
    if (!calls_.empty()) {
        Timer::start(std::chrono::milliseconds{calls_.begin()->first - loop_->now()});
    }
}

}  // namespace c10k::testkit
