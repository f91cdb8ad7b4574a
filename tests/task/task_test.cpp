#include "task/fixture.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace c10k {
namespace {

Task<int> immediate(int value) { co_return value; }

Task<int> later(int value) {
    co_await sleep_for(1ms);
    co_return value;
}

Task<> yield_once() { co_await yield(); }

TEST_F(TaskTest, IsLazy) {
    bool ran = false;
    const auto body = [](bool& flag) -> Task<> {
        flag = true;
        co_return;
    };
    {
        const Task<> never = body(ran);
        loop.run_until_idle();
    }
    EXPECT_FALSE(ran);
    run(body(ran));
    EXPECT_TRUE(ran);
}

TEST_F(TaskTest, GivesItsResultToWhoeverAwaitsIt) {
    run([]() -> Task<> {
        EXPECT_EQ(co_await immediate(1), 1);
        EXPECT_EQ(co_await later(2), 2);
        auto owned = co_await []() -> Task<std::unique_ptr<std::string>> {
            co_await sleep_for(1ms);
            co_return std::make_unique<std::string>("moved");
        }();
        EXPECT_EQ(*owned, "moved");
    }());
}

TEST_F(TaskTest, HasEndedWhenItIsEmpty) {
    run([]() -> Task<> {
        const auto maybe_wait = [](bool wait) -> Task<> { return wait ? yield_once() : Task<>{}; };
        co_await maybe_wait(true);
        co_await maybe_wait(false);
    }());
}

TEST_F(TaskTest, GivesItsExceptionToWhoeverAwaitsIt) {
    const auto fail_now = []() -> Task<int> {
        throw std::runtime_error("now");
        co_return 1;
    };
    const auto fail_later = []() -> Task<> {
        co_await sleep_for(1ms);
        throw std::runtime_error("later");
    };
    std::string text;
    run([](auto now, auto later, std::string& texts) -> Task<> {
        try {
            (void)co_await now();
        } catch (const std::runtime_error& error) {
            texts += error.what();
        }
        try {
            co_await later();
        } catch (const std::runtime_error& error) {
            texts += error.what();
        }
    }(fail_now, fail_later, text));
    EXPECT_EQ(text, "nowlater");
}

TEST_F(TaskTest, DestroysTheFramesOfAllThatHasEnded) {
    const auto guard = std::make_shared<int>(0);
    const auto body = [](std::shared_ptr<int>) -> Task<> { co_await sleep_for(1ms); };
    {
        const Task<> never = body(guard);
        EXPECT_EQ(guard.use_count(), 2);
    }
    EXPECT_EQ(guard.use_count(), 1);
    run([](auto make, std::shared_ptr<int> held) -> Task<> {
        co_await make(held);
        EXPECT_EQ(held.use_count(), 2) << "the frame has not gone with the expression";
    }(body, guard));
    EXPECT_EQ(guard.use_count(), 1);
}

TEST_F(TaskTest, DoesNotGrowTheStackWithAMillionTasksThatEndAtOnce) {
    run([]() -> Task<> {
        std::int64_t sum = 0;
        for (int i = 0; i < 1'000'000; ++i) {
            sum += co_await immediate(1);
        }
        EXPECT_EQ(sum, 1'000'000);
    }());
}

TEST_F(TaskTest, DoesNotGrowTheStackWithManyTasksThatWait) {
    run([]() -> Task<> {
        const auto step = []() -> Task<int> {
            co_await yield();
            co_return co_await immediate(1);
        };
        int sum = 0;
        for (int i = 0; i < 50'000; ++i) {
            sum += co_await step();
        }
        EXPECT_EQ(sum, 50'000);
    }());
}

TEST_F(TaskTest, MayBeMovedBeforeItStarts) {
    Task<int> first = immediate(3);
    Task<int> second = std::move(first);
    EXPECT_FALSE(static_cast<bool>(first));
    run([](Task<int> task) -> Task<> { EXPECT_EQ(co_await std::move(task), 3); }(std::move(second)));
}

TEST_F(TaskTest, SleepsForAtLeastTheTime) {
    run([](Loop& on) -> Task<> {
        const std::int64_t before = on.backend().now();
        co_await sleep_for(1500us);
        EXPECT_EQ(on.backend().now() - before, 2);
        co_await sleep_for(-1s);
        EXPECT_EQ(on.backend().now() - before, 2);
        co_await sleep_for(24h);
        EXPECT_EQ(on.backend().now() - before, 2 + 24 * 3600 * 1000);
    }(loop));
}

TEST_F(TaskTest, LetsOthersGoFirstWhenItYields) {
    std::string order;
    const auto talk = [](std::string& to, char name) -> Task<> {
        for (int i = 0; i < 3; ++i) {
            to += name;
            co_await yield();
        }
    };
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(talk(order, 'a'));
        group.spawn(talk(order, 'b'));
        co_return;
    }));
    EXPECT_EQ(order, "ababab");
}

}  // namespace
}  // namespace c10k
