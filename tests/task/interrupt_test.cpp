#include "task/fixture.hpp"

#include <optional>

namespace c10k {
namespace {

TEST_F(TaskTest, InterruptEndsASleepEarlyAndStopsNobody) {
    SleepAwaiter sleep = sleep_for(1h);
    std::optional<std::int64_t> woke;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn([](SleepAwaiter& waited, Loop& on, std::optional<std::int64_t>& at) -> Task<> {
            co_await waited;
            at = on.backend().now();
            co_await sleep_for(1s);  // it was not asked to stop
        }(sleep, loop, woke));
        co_await sleep_for(1s);
        EXPECT_TRUE(sleep.interrupt());
        EXPECT_FALSE(sleep.interrupt());  // it waits no more
        EXPECT_FALSE(woke);               // nothing is resumed inside the call
    }));
    ASSERT_TRUE(woke);
    EXPECT_EQ(now(), 2000);
}

TEST_F(TaskTest, InterruptDoesNothingBeforeAWait) {
    SleepAwaiter sleep = sleep_for(1s);
    EXPECT_FALSE(sleep.interrupt());
    run([](SleepAwaiter& waited) -> Task<> { co_await waited; }(sleep));
    EXPECT_EQ(now(), 1000);
}

// What a task owns when these return has no value for "not yet".
TEST_F(TaskTest, InterruptLetsTheOtherAwaitersWaitOn) {
    StopAwaiter stop = until_stopped();
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn([](StopAwaiter& waited) -> Task<> { co_await waited; }(stop));
        co_await sleep_for(1s);
        EXPECT_FALSE(stop.interrupt());
        group.stop();
    }));
    TaskGroup inner;
    TaskGroup::JoinAwaiter join = inner.join();
    run(task_group([&](TaskGroup& group) -> Task<> {
        inner.spawn([]() -> Task<> { co_await sleep_for(10s); }());
        group.spawn([](TaskGroup::JoinAwaiter& waited) -> Task<> { co_await waited; }(join));
        co_await sleep_for(1s);
        EXPECT_FALSE(join.interrupt());
        EXPECT_EQ(inner.size(), 1U);
    }));
    EXPECT_EQ(now(), 11'000);
}

}  // namespace
}  // namespace c10k
