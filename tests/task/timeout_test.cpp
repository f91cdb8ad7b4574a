#include "task/fixture.hpp"

#include <stdexcept>
#include <string>

namespace c10k {
namespace {

Task<int> answer_after(Duration delay) {
    co_await sleep_for(delay);
    co_return 42;
}

TEST_F(TaskTest, TimeoutGivesTheResultThatCameInTime) {
    run([]() -> Task<> {
        EXPECT_EQ(co_await with_timeout(2s, answer_after(1s)), 42);
        co_await with_timeout(2s, sleep_for(1s));
        co_await sleep_for(10s);  // the limit has no effect any more
    }());
    EXPECT_EQ(now(), 12'000);
}

TEST_F(TaskTest, TimeoutStopsWhatTakesTooLongAndThrows) {
    bool stopped = false;
    const auto work = [](bool& flag) -> Task<> {
        try {
            co_await sleep_for(1h);
        } catch (const Stopped&) {
            flag = true;
            throw;
        }
    };
    run([](Task<> task, Loop& on) -> Task<> {
        const std::int64_t before = on.backend().now();
        EXPECT_THROW(co_await with_timeout(1s, std::move(task)), TimedOut);
        EXPECT_EQ(on.backend().now() - before, 1000);
        co_await sleep_for(1s);  // this task is not stopped
    }(work(stopped), loop));
    EXPECT_TRUE(stopped);
}

TEST_F(TaskTest, TimeoutPassesOnWhatIsThrown) {
    const auto fail = []() -> Task<> {
        co_await sleep_for(1ms);
        throw std::invalid_argument("no");
    };
    EXPECT_THROW(run(with_timeout(1s, fail())), std::invalid_argument);
}

TEST_F(TaskTest, TimeoutsMayBeNested) {
    run([]() -> Task<> {
        EXPECT_THROW(co_await with_timeout(2s, with_timeout(1s, sleep_for(1h))), TimedOut);
        bool inner = false;
        const auto note = [](bool& flag) -> Task<> {
            try {
                co_await with_timeout(2s, sleep_for(1h));
            } catch (const TimedOut&) {
                flag = true;
                throw;
            }
        };
        EXPECT_THROW(co_await with_timeout(1s, note(inner)), TimedOut);
        EXPECT_FALSE(inner);  // it was stopped from outside, which looks different
    }());
    EXPECT_EQ(now(), 2000);
}

TEST_F(TaskTest, TimeoutOfATaskThatIgnoresTheStopGivesItsResult) {
    const auto stubborn = []() -> Task<int> {
        try {
            co_await sleep_for(1h);
        } catch (const Stopped&) {
        }
        co_return 7;
    };
    run([](Task<int> task) -> Task<> { EXPECT_EQ(co_await with_timeout(1s, std::move(task)), 7); }(stubborn()));
}

TEST_F(TaskTest, StopIsInheritedByEveryTaskThatIsAwaited) {
    int stopped = 0;
    struct Chain {
        static Task<> go(int depth, int& count) {
            try {
                if (depth == 0) {
                    co_await sleep_for(1h);
                } else {
                    co_await go(depth - 1, count);
                }
            } catch (const Stopped&) {
                ++count;
                throw;
            }
        }
    };
    EXPECT_THROW(run(with_timeout(1s, Chain::go(5, stopped))), TimedOut);
    EXPECT_EQ(stopped, 6);
}

TEST_F(TaskTest, StopIsThrownByEveryAwaiterUntilTheTaskEnds) {
    int thrown = 0;
    const auto work = [](int& count) -> Task<> {
        for (int i = 0; i < 3; ++i) {
            try {
                co_await sleep_for(1h);
            } catch (const Stopped&) {
                ++count;
            }
        }
        co_await sleep_for(1h);
    };
    EXPECT_THROW(run(with_timeout(1s, work(thrown))), TimedOut);
    EXPECT_EQ(thrown, 3);
    EXPECT_EQ(now(), 1000);
}

TEST_F(TaskTest, ShieldLetsALastWordBeSaid) {
    std::string notes;
    const auto work = [](std::string& to) -> Task<> {
        try {
            co_await sleep_for(1h);
        } catch (const Stopped&) {
        }
        EXPECT_EQ(co_await shielded(5s, answer_after(2s)), 42);
        to += "said";
        co_await sleep_for(1h);  // and is stopped again
        to += " too much";
    };
    EXPECT_THROW(run(with_timeout(1s, work(notes))), TimedOut);
    EXPECT_EQ(notes, "said");
    EXPECT_EQ(now(), 3000);
}

TEST_F(TaskTest, ShieldHoldsAgainstAStopThatComesMeanwhile) {
    bool said = false;
    const auto work = [](bool& flag) -> Task<> {
        co_await shielded(5s, sleep_for(2s));
        flag = true;
        co_await sleep_for(1h);
    };
    EXPECT_THROW(run(with_timeout(1s, work(said))), TimedOut);
    EXPECT_TRUE(said);
    EXPECT_EQ(now(), 2000);
}

TEST_F(TaskTest, ShieldIsBounded) {
    bool timed_out = false;
    const auto work = [](bool& flag) -> Task<> {
        try {
            co_await shielded(5s, sleep_for(1h));
        } catch (const TimedOut&) {
            flag = true;
        }
    };
    run(work(timed_out));
    EXPECT_TRUE(timed_out);
    EXPECT_EQ(now(), 5000);
}

TEST_F(TaskTest, ShieldThatTakesTooLongTimesOutEvenIfTheTaskIsStopped) {
    bool timed_out = false;
    const auto work = [](bool& flag) -> Task<> {
        try {
            co_await shielded(5s, sleep_for(1h));
        } catch (const TimedOut&) {
            flag = true;
        }
    };
    run([](Task<> task) -> Task<> { co_await with_timeout(1s, std::move(task)); }(work(timed_out)));
    EXPECT_TRUE(timed_out);
    EXPECT_EQ(now(), 5000);
}

TEST_F(TaskTest, ShieldMayHoldATimeoutOfItsOwn) {
    bool timed_out = false;
    const auto work = [](bool& flag) -> Task<> {
        const auto inner = [](bool& noted) -> Task<> {
            try {
                co_await with_timeout(2s, sleep_for(1h));
            } catch (const TimedOut&) {
                noted = true;
            }
        };
        co_await shielded(5s, inner(flag));
    };
    run([](Task<> task) -> Task<> { co_await with_timeout(1s, std::move(task)); }(work(timed_out)));
    EXPECT_TRUE(timed_out);
    EXPECT_EQ(now(), 2000);
}

}  // namespace
}  // namespace c10k
