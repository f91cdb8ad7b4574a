#include "load/collector.hpp"

#include "base/random.hpp"

#include <algorithm>

namespace c10k::load {

Collector::Collector(const Plan& plan) : plan_(plan), run_(random_u32()), loops_(plan.loops) {}

Task<> Collector::meet(std::size_t number) {
    // Each loop arrives once at each step, so so many arrivals mean that all are here.
    const std::size_t all = (number + 1) * plan_.loops;
    ++arrived_;
    while (arrived_ < all) {
        co_await sleep_for(std::chrono::milliseconds{2});
    }
}

Window Collector::window() {
    const std::lock_guard lock{mutex_};
    if (!window_) {
        const auto begin = Clock::now() + plan_.warm_up;
        window_ = Window{begin, begin + plan_.duration};
    }
    return *window_;
}

Duration Collector::measured() const {
    const std::lock_guard lock{mutex_};
    if (!window_) {
        return Duration{0};
    }
    const auto end = std::min({window_->end, ended_.value_or(window_->end), Clock::now()});
    return std::max(Duration{0}, Duration{end - window_->begin});
}

void Collector::stop_measuring() {
    const std::lock_guard lock{mutex_};
    ended_ = ended_.value_or(Clock::now());
}

void Collector::end(std::string_view cause) {
    const std::lock_guard lock{mutex_};
    if (!has_ended_.exchange(true)) {
        ended_ = Clock::now();
        total_.errors.add(cause);
    }
}

void Collector::add(std::size_t loop, const Tally& tally, const OfLoop& state) {
    const std::lock_guard lock{mutex_};
    recent_.merge(tally);
    total_.merge(tally);
    loops_[loop] = state;
}

Collector::Snapshot Collector::take_recent() {
    const std::lock_guard lock{mutex_};
    Snapshot snapshot{recent_, loops_};
    recent_.clear();
    return snapshot;
}

Collector::Snapshot Collector::total() const {
    const std::lock_guard lock{mutex_};
    return {total_, loops_};
}

}  // namespace c10k::load
