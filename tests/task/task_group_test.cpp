#include "task/fixture.hpp"

#include <stdexcept>
#include <string>

namespace c10k {
namespace {

// Waits for a long time, and notes how that ended.
Task<> wait_long(std::string& notes) {
    try {
        co_await sleep_for(1h);
        notes += 'w';
    } catch (const Stopped&) {
        notes += 's';
        throw;
    }
}

Task<> fail_after(Duration delay) {
    co_await sleep_for(delay);
    throw std::runtime_error("failed");
}

TEST_F(TaskTest, GroupWaitsForAllThatItSpawned) {
    std::string notes;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(wait_long(notes));
        group.spawn(wait_long(notes));
        EXPECT_EQ(group.size(), 3U);  // with this one
        co_return;
    }));
    EXPECT_EQ(notes, "ww");
    EXPECT_EQ(now(), 3600 * 1000);
}

TEST_F(TaskTest, GroupEndsAtOnceIfNothingIsSpawned) {
    run(task_group([](TaskGroup&) -> Task<> { co_return; }));
    EXPECT_EQ(now(), 0);
}

TEST_F(TaskTest, GroupStartsWhatIsSpawnedLaterInTheTurn) {
    bool ran = false;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn([](bool& flag) -> Task<> {
            flag = true;
            co_return;
        }(ran));
        EXPECT_FALSE(ran);
        co_return;
    }));
    EXPECT_TRUE(ran);
}

// A task's arguments may refer to objects of its caller.
TEST_F(TaskTest, GroupEndsAfterWhatItsTasksAndHandlersHold) {
    int held = 0;
    class Held {
    public:
        explicit Held(int& count) : count_(&count) { ++*count_; }
        Held(const Held& other) : count_(other.count_) { ++*count_; }
        Held& operator=(const Held&) = delete;
        ~Held() { --*count_; }

    private:
        int* count_;
    };
    const auto hold = [](Held) -> Task<> { co_await sleep_for(1s); };
    TaskGroup group;
    const auto spawn_and_join = [&]() -> Task<> {
        const Held handler{held};
        group.spawn(hold(Held{held}), [handler](const std::exception_ptr&) {});
        group.spawn(hold(Held{held}));
        co_await group.join();
        EXPECT_EQ(held, 1);  // `handler`
    };
    run(spawn_and_join());
    EXPECT_EQ(held, 0);
}

TEST_F(TaskTest, GroupStopsTheSiblingsOfOneThatFails) {
    std::string notes;
    EXPECT_THROW(run(task_group([&](TaskGroup& group) -> Task<> {
                     group.spawn(wait_long(notes));
                     group.spawn(fail_after(1s));
                     group.spawn(wait_long(notes));
                     co_return;
                 })),
                 std::runtime_error);
    EXPECT_EQ(notes, "ss");
    EXPECT_EQ(now(), 1000);
}

TEST_F(TaskTest, GroupStopsWhatItsBodySpawnedWhenTheBodyFails) {
    std::string notes;
    EXPECT_THROW(run(task_group([&](TaskGroup& group) -> Task<> {
                     group.spawn(wait_long(notes));
                     co_await yield();
                     throw std::runtime_error("body");
                 })),
                 std::runtime_error);
    EXPECT_EQ(notes, "s");
}

TEST_F(TaskTest, GroupThrowsTheFirstOfItsFailures) {
    const auto fail = [](std::string text, Duration delay) -> Task<> {
        try {
            co_await sleep_for(delay);
        } catch (const Stopped&) {  // and fails in its own way
        }
        throw std::runtime_error(text);
    };
    std::string text;
    try {
        run(task_group([&](TaskGroup& group) -> Task<> {
            group.spawn(fail("second", 2s));
            group.spawn(fail("first", 1s));
            co_return;
        }));
    } catch (const std::runtime_error& error) {
        text = error.what();
    }
    EXPECT_EQ(text, "first");
}

TEST_F(TaskTest, GroupOnlyTellsTheHandlerOfAFailure) {
    std::string notes;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(wait_long(notes));
        group.spawn(fail_after(1s), [&](std::exception_ptr failure) {
            EXPECT_THROW(std::rethrow_exception(failure), std::runtime_error);
            notes += 'f';
        });
        group.spawn(fail_after(2s), log_failure);
        co_return;
    }));
    EXPECT_EQ(notes, "fw");
}

TEST_F(TaskTest, GroupTellsItsHandlerOfTheFailuresOfTasksWithoutOne) {
    std::string notes;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(wait_long(notes));
        group.on_failure([&](std::exception_ptr failure) {
            EXPECT_THROW(std::rethrow_exception(failure), std::runtime_error);
            notes += 'f';
        });
        group.spawn(fail_after(1s));
        group.spawn(fail_after(2s));
        group.spawn(fail_after(3s), [&](const std::exception_ptr&) { notes += 'o'; });
        co_return;
    }));
    EXPECT_EQ(notes, "ffow");
}

TEST_F(TaskTest, GroupThrowsWhatATaskThrowsThatWasSpawnedBeforeItsHandlerWasSet) {
    EXPECT_THROW(run(task_group([&](TaskGroup& group) -> Task<> {
                     group.on_failure([](const std::exception_ptr&) { ADD_FAILURE() << "the body is no such task"; });
                     co_await sleep_for(1s);
                     throw std::runtime_error("the body fails");
                 })),
                 std::runtime_error);
}

TEST_F(TaskTest, GroupStopsAllWhenItIsToldToAndThenReturns) {
    std::string notes;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(wait_long(notes));
        co_await yield();
        group.stop();
        EXPECT_THROW(co_await sleep_for(1s), Stopped);  // this one too
    }));
    EXPECT_EQ(notes, "s");
    EXPECT_EQ(now(), 0);
}

TEST_F(TaskTest, GroupStopsWhatIsSpawnedAfterItsStop) {
    std::string notes;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.stop();
        group.spawn(wait_long(notes));
        co_return;
    }));
    EXPECT_EQ(notes, "s");
}

TEST_F(TaskTest, GroupPassesAStopOnAndStillWaits) {
    std::string notes;
    EXPECT_THROW(run(with_timeout(1s, task_group([&](TaskGroup& group) -> Task<> {
                                      group.spawn(wait_long(notes));
                                      group.spawn([](std::string& to) -> Task<> {
                                          co_await shielded(10s, sleep_for(5s));
                                          to += 'l';
                                      }(notes));
                                      co_return;
                                  }))),
                 TimedOut);
    EXPECT_EQ(notes, "sl");
    EXPECT_EQ(now(), 5000);
}

TEST_F(TaskTest, GroupsMayBeNested) {
    std::string notes;
    EXPECT_THROW(run(task_group([&](TaskGroup& outer) -> Task<> {
                     outer.spawn(task_group([&](TaskGroup& inner) -> Task<> {
                         inner.spawn(wait_long(notes));
                         inner.spawn(wait_long(notes));
                         co_return;
                     }));
                     outer.spawn(fail_after(1s));
                     co_return;
                 })),
                 std::runtime_error);
    EXPECT_EQ(notes, "ss");
}

TEST_F(TaskTest, GroupMembersMaySpawnMore) {
    int ended = 0;
    run(task_group([&](TaskGroup& group) -> Task<> {
        struct Tree {
            static Task<> grow(TaskGroup& group, int depth, int& ended) {
                co_await yield();
                if (depth > 0) {
                    group.spawn(grow(group, depth - 1, ended));
                    group.spawn(grow(group, depth - 1, ended));
                }
                ++ended;
            }
        };
        group.spawn(Tree::grow(group, 8, ended));
        co_return;
    }));
    EXPECT_EQ(ended, 511);
}

}  // namespace
}  // namespace c10k
