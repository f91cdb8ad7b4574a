#include "load/pacer.hpp"

#include "c10k/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>

namespace c10k::load {
namespace {

// Between two wake-ups: each costs the client a few microseconds of its own.
constexpr std::chrono::microseconds kResolution{50};
// Events that are begun in one turn of the loop when it is behind: it has to receive as well.
constexpr int kEventsInATurn = 64;

}  // namespace

Pacer::Pacer() : descriptor_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::system_category(), "timerfd_create");
    }
}

Pacer::~Pacer() { ::close(descriptor_); }

Task<> Pacer::wait_until(Clock::time_point moment) {
    const auto ns = std::max(moment, woken_ + kResolution).time_since_epoch() / std::chrono::nanoseconds{1};
    itimerspec timer{};
    timer.it_value.tv_sec = ns / std::nano::den;
    timer.it_value.tv_nsec = ns % std::nano::den;
    ::timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &timer, nullptr);  // forgets that it has expired before
    co_await readable(descriptor_);
    woken_ = Clock::now();
}

Task<> Pacer::keep(const Schedule& schedule, Share share,
                   const std::function<bool(Clock::time_point, Clock::time_point)>& on_due) {
    int in_this_turn = 0;
    for (std::uint64_t event = share.first;; event += share.step) {
        const Clock::time_point due = share.begin + schedule.due(event);
        if (due >= share.end) {
            break;
        }
        if (due > Clock::now()) {
            co_await wait_until(due);
            in_this_turn = 0;
        } else if (++in_this_turn == kEventsInATurn) {
            co_await yield();
            in_this_turn = 0;
        }
        if (!on_due(due, Clock::now())) {
            co_return;
        }
    }
    co_await wait_until(share.end);
}

}  // namespace c10k::load
