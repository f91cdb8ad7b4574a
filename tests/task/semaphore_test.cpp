#include "c10k/semaphore.hpp"

#include "task/fixture.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace c10k {
namespace {

class SemaphoreTest : public TaskTest {
protected:
    // Holds a permit for a second.
    Task<> work(Semaphore& semaphore, char name) {
        const Semaphore::Permit permit = co_await semaphore.acquire();
        order += name;
        most = std::max(most, semaphore.held());
        co_await sleep_for(1s);
    }

    std::string order;  // in which they began
    std::size_t most = 0;
};

TEST_F(SemaphoreTest, LetsSoManyWorkAtOnceInTheirOrder) {
    Semaphore semaphore{2};
    run(task_group([&](TaskGroup& group) -> Task<> {
        for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
            group.spawn(work(semaphore, name));
        }
        co_return;
    }));
    EXPECT_EQ(order, "abcde");
    EXPECT_EQ(most, 2U);
    EXPECT_EQ(semaphore.held(), 0U);
    EXPECT_EQ(now(), 3000);
}

TEST_F(SemaphoreTest, DoesNotLetOneThatComesLaterGoFirst) {
    Semaphore semaphore{1};
    run(task_group([&](TaskGroup& group) -> Task<> {
        std::optional<Semaphore::Permit> permit = co_await semaphore.acquire();
        group.spawn(work(semaphore, 'a'));
        co_await yield();
        permit.reset();
        co_await work(semaphore, 'b');
    }));
    EXPECT_EQ(order, "ab");
}

TEST_F(SemaphoreTest, APermitThatIsMovedOrGivenBackEarlyCountsOnce) {
    Semaphore semaphore{2};
    run([](Semaphore& of) -> Task<> {
        Semaphore::Permit first = co_await of.acquire();
        Semaphore::Permit second = std::move(first);
        EXPECT_EQ(of.held(), 1U);
        second.release();
        second.release();
        EXPECT_EQ(of.held(), 0U);
        second = co_await of.acquire();
        Semaphore::Permit none;
        none = std::move(second);
        EXPECT_EQ(of.held(), 1U);
    }(semaphore));
    EXPECT_EQ(semaphore.held(), 0U);
}

TEST_F(SemaphoreTest, AHigherLimitLetsMoreInAtOnceAndALowerOneAsTheyLeave) {
    Semaphore semaphore{0};
    run(task_group([&](TaskGroup& group) -> Task<> {
        for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) {
            group.spawn(work(semaphore, name));
        }
        co_await sleep_for(500ms);
        EXPECT_EQ(order, "");
        EXPECT_TRUE(semaphore.has_waiting());
        semaphore.set_limit(3);
        co_await sleep_for(500ms);
        EXPECT_EQ(order, "abc");
        semaphore.set_limit(1);
        co_await sleep_for(1s);  // the three have ended
        EXPECT_EQ(order, "abcd");
        EXPECT_EQ(semaphore.held(), 1U);
    }));
    EXPECT_EQ(order, "abcdef");
    EXPECT_FALSE(semaphore.has_waiting());
}

TEST_F(SemaphoreTest, AStopEndsTheWaitOfOneAndNoOther) {
    Semaphore semaphore{1};
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(work(semaphore, 'a'));
        co_await yield();
        EXPECT_THROW(co_await with_timeout(100ms, work(semaphore, 'b')), TimedOut);
        group.spawn(work(semaphore, 'c'));
        co_await yield();
        EXPECT_EQ(order, "a");
    }));
    EXPECT_EQ(order, "ac");
    EXPECT_EQ(semaphore.held(), 0U);
}

TEST_F(SemaphoreTest, APermitForOneThatIsStoppedInTheSameTurnGoesToTheNext) {
    Semaphore semaphore{1};
    TaskGroup stopped;
    run([](Semaphore& of, TaskGroup& group) -> Task<> {
        Semaphore::Permit permit = co_await of.acquire();
        group.spawn([](Semaphore& wanted) -> Task<> {
            EXPECT_THROW(co_await wanted.acquire(), Stopped);
            throw Stopped{};
        }(of));
        co_await yield();
        EXPECT_TRUE(of.has_waiting());
        permit.release();
        group.stop();
        co_await group.join();
        EXPECT_EQ(of.held(), 0U);
    }(semaphore, stopped));
}

TEST_F(SemaphoreTest, OneThatWaitsForItsLastStepsIsNotStopped) {
    Semaphore semaphore{1};
    bool done = false;
    run(task_group([&](TaskGroup& group) -> Task<> {
        std::optional<Semaphore::Permit> permit = co_await semaphore.acquire();
        group.spawn([](Semaphore& wanted, bool& flag) -> Task<> {
            const Semaphore::Permit last = co_await wanted.acquire(Semaphore::OnStop::kWaitOn);
            flag = true;
        }(semaphore, done));
        co_await yield();
        group.stop();
        try {
            co_await sleep_for(1s);
        } catch (const Stopped&) {  // this one is
        }
        EXPECT_FALSE(done);
        permit.reset();
    }));
    EXPECT_TRUE(done);
}

}  // namespace
}  // namespace c10k
