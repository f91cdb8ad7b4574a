#include "c10k/completion.hpp"

#include "loop/backends.hpp"
#include "task/fixture.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace c10k {
namespace {

// The text of the exception that `call` throws at the caller's mistake.
template <typename Call>
std::string mistake_of(Call call) {
    try {
        call();
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return "nothing";
}

// ---- On one thread

class CompletionTest : public TaskTest {};

TEST_F(CompletionTest, AValueThatIsThereNeedsNoWait) {
    run([]() -> Task<> {
        Completion<std::string> greeting;
        EXPECT_FALSE(greeting.is_completed());
        EXPECT_TRUE(greeting.completer().complete("hello"));
        EXPECT_TRUE(greeting.is_completed());
        EXPECT_EQ(co_await greeting.wait(), "hello");
    }());
}

TEST_F(CompletionTest, AValueMayBeNothingOrOnlyBeMoved) {
    run(task_group([](TaskGroup& group) -> Task<> {
        Completion<> event;
        Completion<std::unique_ptr<int>> number;
        group.spawn([](Completer<> happens, Completer<std::unique_ptr<int>> gives) -> Task<> {
            co_await yield();
            happens.complete();
            gives.complete(std::make_unique<int>(7));
        }(event.completer(), number.completer()));
        co_await event.wait();
        EXPECT_EQ(*co_await number.wait(), 7);
    }));
}

TEST_F(CompletionTest, TheFirstOfSeveralCompletersWins) {
    run([]() -> Task<> {
        Completion<int> number;
        const Completer<int> first = number.completer();
        const Completer<int> copy = first;  // NOLINT(performance-unnecessary-copy-initialization): it is tested
        const Completer<int> second = number.completer();
        EXPECT_TRUE(second.is_wanted());
        EXPECT_TRUE(first.complete(1));
        EXPECT_FALSE(first.complete(2));
        EXPECT_FALSE(copy.complete(3));
        EXPECT_FALSE(second.fail(std::make_exception_ptr(std::runtime_error("late"))));
        EXPECT_FALSE(second.is_wanted());
        EXPECT_EQ(co_await number.wait(), 1);
        EXPECT_FALSE(second.complete(4));
        EXPECT_FALSE(Completer<int>{}.complete(5));
    }());
}

TEST_F(CompletionTest, AnExceptionIsThrownWhereTheTaskWaits) {
    run([]() -> Task<> {
        Completion<int> number;
        EXPECT_TRUE(number.completer().fail(std::make_exception_ptr(std::runtime_error("no number"))));
        for (int i = 0; i < 2; ++i) {
            std::string text;
            try {
                (void)co_await number.wait();
            } catch (const std::runtime_error& error) {
                text = error.what();
            }
            EXPECT_EQ(text, "no number");
        }
    }());
}

TEST_F(CompletionTest, WithoutACompleterTheWaitSaysThatNothingWillCome) {
    run(task_group([](TaskGroup& group) -> Task<> {
        Completion<int> orphan;
        EXPECT_THROW((void)co_await orphan.wait(), NeverCompleted);
        EXPECT_FALSE(orphan.completer().complete(1));  // it is settled

        Completion<int> abandoned;
        std::optional<Completer<int>> one{abandoned.completer()};
        std::optional<Completer<int>> other{one};
        one.reset();
        group.spawn([](std::optional<Completer<int>>& last) -> Task<> {
            co_await yield();
            last.reset();
        }(other));
        EXPECT_FALSE(abandoned.is_completed());
        EXPECT_THROW((void)co_await abandoned.wait(), NeverCompleted);
        EXPECT_TRUE(abandoned.is_completed());
    }));
}

TEST_F(CompletionTest, StoppingTheWaitLosesNothing) {
    run(task_group([](TaskGroup& group) -> Task<> {
        Completion<int> number;
        const Completer<int> completer = number.completer();
        EXPECT_THROW((void)co_await with_timeout(1s, number.wait()), TimedOut);
        EXPECT_TRUE(completer.is_wanted());
        group.spawn([](const Completer<int>& late) -> Task<> {
            co_await sleep_for(1s);
            late.complete(7);
        }(completer));
        EXPECT_EQ(co_await with_timeout(5s, number.wait()), 7);
    }));
    EXPECT_EQ(now(), 2000);
}

TEST_F(CompletionTest, AStopInTheTurnOfTheCompletionLeavesTheValueForTheNextWait) {
    run([]() -> Task<> {
        Completion<int> number;
        const Completer<int> completer = number.completer();
        TaskGroup stopped;
        stopped.spawn([](Completion<int>& wanted) -> Task<> { (void)co_await wanted.wait(); }(number));
        co_await yield();
        EXPECT_TRUE(completer.complete(7));
        stopped.stop();
        co_await stopped.join();
        EXPECT_EQ(co_await number.wait(), 7);
    }());
}

TEST_F(CompletionTest, ALateCompletionChangesNothingAndItsValueGoesAtOnce) {
    const auto value = std::make_shared<int>(7);
    Completer<std::shared_ptr<int>> late;
    run([](Completer<std::shared_ptr<int>>& completer) -> Task<> {
        Completion<std::shared_ptr<int>> wanted;
        completer = wanted.completer();
        EXPECT_THROW((void)co_await with_timeout(1s, wanted.wait()), TimedOut);
    }(late));
    EXPECT_FALSE(late.is_wanted());
    EXPECT_FALSE(late.complete(value));
    EXPECT_FALSE(late.fail(std::make_exception_ptr(std::runtime_error("too late"))));
    EXPECT_EQ(value.use_count(), 1);
}

TEST_F(CompletionTest, AValueThatNobodyTakesGoesWithTheCompletion) {
    const auto value = std::make_shared<int>(7);
    std::optional<Completion<std::shared_ptr<int>>> wanted{std::in_place};
    const Completer<std::shared_ptr<int>> completer = wanted->completer();
    EXPECT_TRUE(completer.complete(value));
    EXPECT_EQ(value.use_count(), 2);
    wanted.reset();
    EXPECT_EQ(value.use_count(), 1);
}

TEST_F(CompletionTest, ACompletionMayMoveWhileCompletersHoldOn) {
    run([]() -> Task<> {
        Completion<int> made;
        const Completer<int> completer = made.completer();
        Completion<int> moved = std::move(made);
        completer.complete(7);
        EXPECT_EQ(co_await moved.wait(), 7);
    }());
}

// A value that cannot be moved a second time.
struct Stubborn {
    Stubborn() = default;
    Stubborn(Stubborn&& other) : moves(other.moves + 1) {
        if (moves > 1) {
            throw std::runtime_error("it cannot be moved");
        }
    }
    Stubborn& operator=(Stubborn&&) = delete;
    ~Stubborn() = default;

    int moves = 0;
};

TEST_F(CompletionTest, AValueThatCannotBeStoredArrivesAsAnException) {
    run([]() -> Task<> {
        Completion<Stubborn> stubborn;
        Stubborn value;
        EXPECT_TRUE(stubborn.completer().complete(Stubborn{std::move(value)}));
        EXPECT_THROW((void)co_await stubborn.wait(), std::runtime_error);
    }());
}

TEST_F(CompletionTest, MistakesOfTheCallerAreNamed) {
    run(task_group([](TaskGroup& group) -> Task<> {
        Completion<int> number;
        const Completer<int> completer = number.completer();
        EXPECT_EQ(mistake_of([&] { completer.fail(nullptr); }), "fail(): there is no exception");

        group.spawn([](Completion<int>& wanted) -> Task<> { EXPECT_EQ(co_await wanted.wait(), 7); }(number));
        co_await yield();
        std::string mistake;
        try {
            (void)co_await number.wait();
        } catch (const std::logic_error& error) {
            mistake = error.what();
        }
        EXPECT_EQ(mistake, "wait(): another task waits for this Completion");
        completer.complete(7);
        while (group.size() > 1) {
            co_await yield();
        }
        try {
            (void)co_await number.wait();
        } catch (const std::logic_error& error) {
            mistake = error.what();
        }
        EXPECT_EQ(mistake, "wait(): the value was taken before");

        Completion<int> moved = std::move(number);
        // NOLINTBEGIN(bugprone-use-after-move): that is what is tested
        EXPECT_EQ(mistake_of([&] { (void)number.completer(); }), "completer(): the Completion was moved from");
        EXPECT_EQ(mistake_of([&] { (void)number.wait(); }), "wait(): the Completion was moved from");
        EXPECT_FALSE(number.is_completed());
        // NOLINTEND(bugprone-use-after-move)
    }));
}

// ---- From other threads, on each backend

class CompletionOfThreads : public testing::TestWithParam<BackendChoice> {
protected:
    void run_here(Task<> main) {
        Loop loop{make_backend(GetParam())};
        run(loop, std::move(main), scope);
    }

    StopScope scope;
};
INSTANTIATE_TEST_SUITE_P(Backends, CompletionOfThreads, testing::Values(BackendChoice::kEpoll, BackendChoice::kAuto),
                         [](const auto& info) { return info.param == BackendChoice::kEpoll ? "epoll" : "auto"; });

TEST_P(CompletionOfThreads, AnotherThreadWakesTheLoop) {
    run_here([]() -> Task<> {
        for (int i = 0; i < 200; ++i) {
            Completion<int> number;
            std::jthread thread{[completer = number.completer(), i] { completer.complete(i); }};
            EXPECT_EQ(co_await number.wait(), i);
        }
    }());
}

// A library in C: it calls back on a thread of its own.
using CCallback = void (*)(void* user, int number);

std::thread call_back_later(CCallback callback, void* user, int number) {
    return std::thread{[=] { callback(user, number); }};
}

TEST_P(CompletionOfThreads, ACallbackInCCompletesThroughAPointer) {
    run_here([]() -> Task<> {
        Completion<int> number;
        std::thread thread = call_back_later([](void* user, int given) { Completer<int>::adopt(user).complete(given); },
                                             number.completer().release(), 7);
        EXPECT_EQ(co_await number.wait(), 7);
        thread.join();

        Completion<int> forgotten;
        thread = call_back_later([](void* user, int) { (void)Completer<int>::adopt(user); },
                                 forgotten.completer().release(), 7);
        EXPECT_THROW((void)co_await forgotten.wait(), NeverCompleted);
        thread.join();
    }());
}

TEST_P(CompletionOfThreads, OneOfManyThreadsWinsAndAllOthersAreTold) {
    run_here([]() -> Task<> {
        for (int round = 0; round < 100; ++round) {
            std::atomic<int> winners{0};
            Completion<std::string> text;
            std::array<std::jthread, 4> threads;
            for (std::jthread& thread : threads) {
                thread = std::jthread{[&winners, completer = text.completer()] {
                    winners += completer.complete("some text that needs memory of its own") ? 1 : 0;
                }};
            }
            EXPECT_EQ(co_await text.wait(), "some text that needs memory of its own");
            for (std::jthread& thread : threads) {
                thread.join();
            }
            EXPECT_EQ(winners, 1);
        }
    }());
}

// The stop, the completion and the end of the Completion come in whatever order the threads find.
TEST_P(CompletionOfThreads, AStopAndACompletionAtOnceLoseNothing) {
    run_here([]() -> Task<> {
        const auto value = std::make_shared<int>(7);
        std::counting_semaphore<> go{0};
        std::counting_semaphore<> gone{0};
        Completer<std::shared_ptr<int>> next;
        constexpr int kRounds = 2000;
        std::jthread thread{[&] {
            for (int i = 0; i < kRounds; ++i) {
                go.acquire();
                std::exchange(next, {}).complete(value);
                gone.release();
            }
        }};
        for (int i = 0; i < kRounds; ++i) {
            {
                Completion<std::shared_ptr<int>> wanted;
                next = wanted.completer();
                TaskGroup group;
                bool has_come = false;
                group.spawn([](Completion<std::shared_ptr<int>>& one, bool& flag) -> Task<> {
                    flag = *co_await one.wait() == 7;
                }(wanted, has_come));
                co_await yield();
                go.release();
                group.stop();
                co_await group.join();
                if (i % 2 == 0 && !has_come) {
                    EXPECT_EQ(*co_await wanted.wait(), 7);
                }
            }
            gone.acquire();
        }
        thread.join();
        EXPECT_EQ(value.use_count(), 1);
    }());
}

TEST_P(CompletionOfThreads, ACompleterMayOutliveTheLoop) {
    const auto value = std::make_shared<int>(7);
    for (int i = 0; i < 40; ++i) {
        Completion<std::shared_ptr<int>> wanted;
        std::jthread thread;
        StopScope scope;
        {
            Loop loop{make_backend(GetParam())};
            EXPECT_THROW(run(
                             loop,
                             [](Completion<std::shared_ptr<int>>& one, std::jthread& completing,
                                const std::shared_ptr<int>& given, StopScope& stop) -> Task<> {
                                 completing =
                                     std::jthread{[completer = one.completer(), given] { completer.complete(given); }};
                                 stop.request_stop();
                                 (void)co_await one.wait();
                             }(wanted, thread, value, scope),
                             scope),
                         Stopped);
        }
        thread.join();
        EXPECT_TRUE(wanted.is_completed());
    }
    EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace c10k
