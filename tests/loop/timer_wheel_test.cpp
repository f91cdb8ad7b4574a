#include "loop/timer_wheel.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace c10k {
namespace {

class TestTimer final : public Timer {
public:
    explicit TestTimer(std::function<void()> action) : action_(std::move(action)) {}

private:
    void on_time() override { action_(); }

    std::function<void()> action_;
};

TEST(TimerWheel, HasNothingToDoWithoutTimers) {
    TimerWheel wheel{1000};
    EXPECT_FALSE(wheel.next().has_value());
    EXPECT_EQ(wheel.advance(5000), 0);
}

TEST(TimerWheel, FiresAtTheTickAndNotBefore) {
    for (const std::int64_t delay : {0, 1, 63, 64, 65, 4095, 4096, 262'144, 100'000'000}) {
        SCOPED_TRACE(delay);
        TimerWheel wheel{1000};
        int fired = 0;
        TestTimer timer{[&] { ++fired; }};
        wheel.add(timer, 1000 + delay);
        EXPECT_TRUE(timer.is_running());
        if (delay > 0) {
            EXPECT_EQ(wheel.advance(1000 + delay - 1), 0);
        }
        EXPECT_LE(*wheel.next(), 1000 + delay);
        EXPECT_EQ(wheel.advance(1000 + delay), 1);
        EXPECT_EQ(fired, 1);
        EXPECT_FALSE(timer.is_running());
        EXPECT_FALSE(wheel.next().has_value());
    }
}

TEST(TimerWheel, TakesThePastForThePresent) {
    TimerWheel wheel{1000};
    int fired = 0;
    TestTimer timer{[&] { ++fired; }};
    wheel.add(timer, -5);
    EXPECT_EQ(wheel.advance(1000), 1);
    EXPECT_EQ(fired, 1);
}

TEST(TimerWheel, ForgetsATimerThatIsDestroyed) {
    TimerWheel wheel{0};
    {
        TestTimer timer{[] { FAIL(); }};
        wheel.add(timer, 10);
    }
    EXPECT_EQ(wheel.advance(100), 0);
}

TEST(TimerWheel, LetsATimerStartOthersCancelOthersAndDestroyItself) {
    TimerWheel wheel{0};
    std::vector<int> order;
    TestTimer late{[&] { order.push_back(4); }};
    auto victim = std::make_unique<TestTimer>([] { FAIL(); });
    std::unique_ptr<TestTimer> own;
    own = std::make_unique<TestTimer>([&] {
        order.push_back(1);
        own.reset();
    });
    TestTimer killer{[&] {
        order.push_back(2);
        victim.reset();
        wheel.add(late, 70);
    }};
    TestTimer again{[&] { order.push_back(3); }};
    wheel.add(*own, 50);
    wheel.add(killer, 50);
    wheel.add(*victim, 50);
    wheel.add(again, 60);
    wheel.advance(100);
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
}

TEST(TimerWheel, OutlivesNoTimer) {
    TestTimer timer{[] { FAIL(); }};
    {
        TimerWheel wheel{0};
        wheel.add(timer, 10);
    }
    EXPECT_FALSE(timer.is_running());
}

TEST(TimerWheel, BehavesLikeASortedList) {
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random{seed};
        const auto below = [&](std::int64_t limit) {
            return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
        };
        const auto delay = [&] { return below(std::int64_t{1} << below(24)); };
        std::int64_t now = below(std::int64_t{1} << 40);
        TimerWheel wheel{now};

        constexpr std::size_t kTimers = 40;
        std::map<std::size_t, std::int64_t> model;  // what runs, and its tick
        std::vector<std::size_t> fired;
        std::vector<std::unique_ptr<TestTimer>> timers;
        for (std::size_t i = 0; i < kTimers; ++i) {
            timers.push_back(std::make_unique<TestTimer>([&fired, i] { fired.push_back(i); }));
        }
        for (int step = 0; step < 500; ++step) {
            const auto which = static_cast<std::size_t>(below(kTimers));
            if (below(3) > 0) {
                if (model.contains(which)) {
                    TimerWheel::remove(*timers[which]);
                    model.erase(which);
                } else {
                    const std::int64_t tick = now + delay();
                    wheel.add(*timers[which], tick);
                    model[which] = tick;
                }
            } else {
                now += delay();
                std::vector<std::pair<std::int64_t, std::size_t>> due;
                for (const auto& [timer, tick] : model) {
                    if (tick <= now) {
                        due.emplace_back(tick, timer);
                    }
                }
                fired.clear();
                ASSERT_EQ(wheel.advance(now), static_cast<int>(due.size()));
                ASSERT_EQ(fired.size(), due.size());
                for (std::size_t i = 1; i < fired.size(); ++i) {
                    ASSERT_LE(model[fired[i - 1]], model[fired[i]]);
                }
                for (const auto& [tick, timer] : due) {
                    ASSERT_EQ(std::count(fired.begin(), fired.end(), timer), 1);
                    model.erase(timer);
                }
            }
            if (!model.empty()) {
                const auto first = std::min_element(model.begin(), model.end(),
                                                    [](const auto& a, const auto& b) { return a.second < b.second; });
                ASSERT_TRUE(wheel.next().has_value());
                ASSERT_LE(*wheel.next(), first->second);
            }
            for (const auto& [timer, tick] : model) {
                ASSERT_TRUE(timers[timer]->is_running());
            }
        }
    }
}

}  // namespace
}  // namespace c10k
