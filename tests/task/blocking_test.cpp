#include "c10k/blocking.hpp"

#include "loop/backends.hpp"
#include "loop/blocking_pool.hpp"
#include "task/fixture.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace c10k {
namespace {

// On both backends, with a pool whose size a test may choose.
class RunBlocking : public testing::TestWithParam<BackendChoice> {
protected:
    void run_here(Task<> main, const BlockingLimits& limits = {}) {
        Loop loop{make_backend(GetParam())};
        loop.set_blocking_pool(pool_of(limits));
        run(loop, std::move(main), scope);
    }
    std::shared_ptr<BlockingPool> pool_of(const BlockingLimits& limits) {
        pool = std::make_shared<BlockingThreads>(limits);
        return pool;
    }

    StopScope scope;
    std::shared_ptr<BlockingPool> pool;
};
INSTANTIATE_TEST_SUITE_P(Backends, RunBlocking, testing::Values(BackendChoice::kEpoll, BackendChoice::kAuto),
                         [](const auto& info) { return info.param == BackendChoice::kEpoll ? "epoll" : "auto"; });

// A function that blocks until a test lets it go, and says when it has begun.
struct Gate {
    std::binary_semaphore has_begun{0};
    std::binary_semaphore is_open{0};
    std::atomic<bool> has_ended{false};

    void pass() {
        has_begun.release();
        is_open.acquire();
        has_ended = true;
    }
};

Task<> pass(std::shared_ptr<Gate> gate) { co_await run_blocking(&Gate::pass, gate); }

TEST_P(RunBlocking, TheLoopGoesOnWhileAFunctionBlocks) {
    run_here(task_group([](TaskGroup& group) -> Task<> {
        const auto gate = std::make_shared<Gate>();
        group.spawn(pass(gate));
        co_await yield();
        for (int i = 0; i < 10; ++i) {
            co_await sleep_for(1ms);
        }
        EXPECT_FALSE(gate->has_ended);
        gate->is_open.release();
    }));
}

TEST_P(RunBlocking, ResultsAndExceptionsArrive) {
    run_here([]() -> Task<> {
        const std::thread::id loop = std::this_thread::get_id();
        EXPECT_NE(co_await run_blocking([] { return std::this_thread::get_id(); }), loop);
        EXPECT_EQ(co_await run_blocking([](int a, int b) { return a + b; }, 3, 4), 7);
        EXPECT_EQ(*co_await run_blocking([] { return std::make_unique<int>(7); }), 7);
        bool has_run = false;
        co_await run_blocking([&has_run] { has_run = true; });
        EXPECT_TRUE(has_run);
        std::string text;
        try {
            co_await run_blocking([] { throw std::runtime_error("no such table"); });
        } catch (const std::runtime_error& error) {
            text = error.what();
        }
        EXPECT_EQ(text, "no such table");
    }());
}

// Notes the thread that destroys it.
struct Guest {
    explicit Guest(std::atomic<std::thread::id>& its_end) noexcept : end(&its_end) {}
    Guest(Guest&& other) noexcept : end(std::exchange(other.end, nullptr)) {}
    Guest& operator=(Guest&&) = delete;
    ~Guest() {
        if (end != nullptr) {
            *end = std::this_thread::get_id();
        }
    }

    std::atomic<std::thread::id>* end;
};

TEST_P(RunBlocking, ArgumentsMoveInAndAreDestroyedOnTheThreadBeforeTheTaskGoesOn) {
    run_here([]() -> Task<> {
        std::atomic<std::thread::id> end;
        const std::thread::id thread = co_await run_blocking(
            [](const Guest& /*guest*/, std::unique_ptr<int> number) {
                EXPECT_EQ(*number, 7);
                return std::this_thread::get_id();
            },
            Guest{end}, std::make_unique<int>(7));
        EXPECT_EQ(end.load(), thread);
    }());
}

TEST_P(RunBlocking, ALambdaWithANameMayCaptureObjects) {
    run_here([]() -> Task<> {
        const auto number = std::make_shared<int>(7);
        // The compiler rejects one without a name, but nothing else.
        const auto capturing = [text = std::string{}] {};
        const auto referring = [&number] {};
        static_assert(internal::CapturingTemporary<std::remove_const_t<decltype(capturing)>>);
        static_assert(!internal::CapturingTemporary<decltype(capturing)&>);
        static_assert(!internal::CapturingTemporary<std::remove_const_t<decltype(referring)>>);
        static_assert(!internal::CapturingTemporary<std::function<void()>>);
        static_assert(!internal::CapturingTemporary<void (*)()>);
        const auto function = [number, text = std::string{"some text that needs memory of its own"}] {
            return text + std::to_string(*number);
        };
        EXPECT_EQ(co_await run_blocking(function), "some text that needs memory of its own7");
        EXPECT_EQ(number.use_count(), 2);
    }());
}

TEST_P(RunBlocking, AStoppedTaskDoesNotWaitAndTheFunctionRunsOn) {
    const auto gate = std::make_shared<Gate>();
    run_here([](std::shared_ptr<Gate> shared) -> Task<> {
        TaskGroup group;
        group.spawn(pass(shared));
        co_await yield();
        shared->has_begun.acquire();
        group.stop();
        co_await group.join();
        EXPECT_FALSE(shared->has_ended);
        shared->is_open.release();
        EXPECT_EQ(co_await run_blocking([] { return 7; }), 7);  // the thread, and the pool, are as good as before
    }(gate));
    EXPECT_TRUE(gate->has_ended);
    EXPECT_EQ(gate.use_count(), 1);
}

TEST_P(RunBlocking, ShieldedWaitsForTheEndOfAFunction) {
    run_here([]() -> Task<> {
        const auto gate = std::make_shared<Gate>();
        TaskGroup group;
        group.spawn([](std::shared_ptr<Gate> shared) -> Task<> {
            co_await shielded(1h, pass(shared));
            EXPECT_TRUE(shared->has_ended);
        }(gate));
        co_await yield();
        gate->has_begun.acquire();
        group.stop();
        gate->is_open.release();
        co_await group.join();
        EXPECT_TRUE(gate->has_ended);
    }());
}

TEST_P(RunBlocking, AFullQueueRefusesAndCountsIt) {
    run_here(task_group([this](TaskGroup& group) -> Task<> {
                 const auto first = std::make_shared<Gate>();
                 const auto second = std::make_shared<Gate>();
                 group.spawn(pass(first));
                 group.spawn(pass(second));
                 co_await yield();
                 first->has_begun.acquire();
                 std::string text;
                 try {
                     co_await run_blocking([] {});
                 } catch (const BlockingQueueFull& full) {
                     text = full.what();
                 }
                 EXPECT_EQ(text, "too many blocking functions wait for a thread");
                 const BlockingCounts counts = pool->counts();
                 EXPECT_EQ(counts.running, 1U);
                 EXPECT_EQ(counts.queued, 1U);
                 EXPECT_EQ(counts.refused, 1U);
                 first->is_open.release();
                 second->is_open.release();
                 second->has_begun.acquire();
             }),
             {.blocking_threads = 1, .blocking_queue = 1});
    EXPECT_EQ(pool->counts().done, 2U);
    EXPECT_EQ(pool->counts().running + pool->counts().queued, 0U);
}

TEST_P(RunBlocking, AFunctionWhoseTaskIsStoppedBeforeItBeginsNeverBeginsAndLeavesItsPlace) {
    run_here(task_group([this](TaskGroup& group) -> Task<> {
                 const auto gate = std::make_shared<Gate>();
                 const auto never = std::make_shared<Gate>();
                 group.spawn(pass(gate));
                 co_await yield();
                 gate->has_begun.acquire();
                 for (int i = 0; i < 3; ++i) {
                     TaskGroup stopped;
                     stopped.spawn(pass(never));
                     co_await yield();
                     EXPECT_EQ(pool->counts().queued, 1U);
                     stopped.stop();
                     EXPECT_EQ(pool->counts().queued, 0U);  // at once: no thread can take it any more
                     co_await stopped.join();
                     EXPECT_EQ(never.use_count(), 1);
                 }
                 gate->is_open.release();
                 co_await run_blocking([] {});  // the queue is behind it
                 EXPECT_FALSE(never->has_begun.try_acquire());
             }),
             {.blocking_threads = 1, .blocking_queue = 1});
}

TEST_P(RunBlocking, ATaskThatWasStoppedStartsNothing) {
    bool has_run = false;
    run_here([](StopScope& stop, bool& flag) -> Task<> {
        stop.request_stop();
        EXPECT_THROW(co_await run_blocking([&flag] { flag = true; }), Stopped);
    }(scope, has_run));
    EXPECT_FALSE(has_run);
    EXPECT_EQ(pool->counts().done, 0U);
}

TEST_P(RunBlocking, StartsAThreadWhenAllAreBusyAndNoMoreThanAllowed) {
    run_here(task_group([this](TaskGroup& group) -> Task<> {
                 for (int i = 0; i < 3; ++i) {  // one after another needs one
                     co_await run_blocking([] {});
                 }
                 std::array<std::shared_ptr<Gate>, 5> gates;
                 for (std::shared_ptr<Gate>& gate : gates) {
                     gate = std::make_shared<Gate>();
                     group.spawn(pass(gate));
                 }
                 co_await yield();
                 for (std::size_t i = 0; i < 3; ++i) {
                     gates[i]->has_begun.acquire();
                 }
                 EXPECT_EQ(pool->counts().running, 3U);
                 EXPECT_EQ(pool->counts().queued, 2U);
                 for (const std::shared_ptr<Gate>& gate : gates) {
                     gate->is_open.release();
                 }
             }),
             {.blocking_threads = 3, .blocking_queue = 100});
}

TEST_P(RunBlocking, FunctionsBeginInTheOrderInWhichTheyCame) {
    std::vector<int> order;
    run_here(task_group([&order](TaskGroup& group) -> Task<> {
                 for (int i = 0; i < 100; ++i) {
                     group.spawn([](std::vector<int>& numbers, int number) -> Task<> {
                         co_await run_blocking([&numbers, number] { numbers.push_back(number); });
                     }(order, i));
                 }
                 co_return;
             }),
             {.blocking_threads = 1, .blocking_queue = 100});
    ASSERT_EQ(order.size(), 100U);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    }
}

TEST_P(RunBlocking, AllLoopsShareOnePool) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    run_here(on_loops(4,
                      [&](std::size_t) -> Task<> {
                          const auto note = [&] {
                              const std::lock_guard lock{mutex};
                              threads.insert(std::this_thread::get_id());
                          };
                          for (int i = 0; i < 100; ++i) {
                              co_await run_blocking(note);
                          }
                      }),
             {.blocking_threads = 1, .blocking_queue = 100});
    EXPECT_EQ(threads.size(), 1U);
    EXPECT_EQ(pool->counts().done, 400U);
}

TEST_P(RunBlocking, ALoopEndsWhenItsFunctionsHaveReturnedAndDropsThoseThatHaveNotBegun) {
    const auto gate = std::make_shared<Gate>();
    const auto never = std::make_shared<Gate>();
    std::binary_semaphore is_stopped{0};
    std::jthread opener{[gate, &is_stopped] {
        is_stopped.acquire();
        gate->is_open.release();
    }};
    {
        Loop loop{make_backend(GetParam())};
        loop.set_blocking_pool(pool_of({.blocking_threads = 1, .blocking_queue = 9}));
        EXPECT_THROW(run(loop, task_group([&](TaskGroup& group) -> Task<> {
                             group.spawn(pass(gate));
                             group.spawn(pass(never));
                             co_await yield();
                             gate->has_begun.acquire();
                             scope.request_stop();
                             is_stopped.release();
                         }),
                         scope),
                     Stopped);
    }
    EXPECT_TRUE(gate->has_ended);
    EXPECT_EQ(pool->counts().running, 0U);
    EXPECT_EQ(never.use_count(), 1);
    EXPECT_FALSE(never->has_begun.try_acquire());
}

TEST_P(RunBlocking, SignalsForTheProgramDoNotInterruptAFunction) {
    run_here([]() -> Task<> {
        const bool are_blocked = co_await run_blocking([] {
            sigset_t blocked;
            ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
            return ::sigismember(&blocked, SIGTERM) == 1 && ::sigismember(&blocked, SIGHUP) == 1 &&
                   ::sigismember(&blocked, SIGSEGV) == 0;
        });
        EXPECT_TRUE(are_blocked);
        sigset_t blocked;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        EXPECT_EQ(::sigismember(&blocked, SIGTERM), 0);
    }());
}

// Stops, ends and results at whatever moment the threads find.
TEST_P(RunBlocking, StopsAtAnyMomentLoseNothingAndLeakNothing) {
    const auto value = std::make_shared<int>(7);
    std::atomic<int> ran{0};
    int results = 0;
    run_here(
        [](const std::shared_ptr<int>& shared, std::atomic<int>& count, int& got) -> Task<> {
            for (int round = 0; round < 300; ++round) {
                TaskGroup group;
                for (int i = 0; i < 8; ++i) {
                    group.spawn([](std::shared_ptr<int> given, std::atomic<int>& running, int& ended) -> Task<> {
                        const auto copy = co_await run_blocking(
                            [&running](std::shared_ptr<int> mine) {
                                ++running;
                                return mine;
                            },
                            std::move(given));
                        ended += *copy == 7 ? 1 : 0;
                    }(shared, count, got));
                }
                for (int i = 0; i < round % 4; ++i) {
                    co_await yield();
                }
                if (round % 3 != 0) {
                    group.stop();
                }
                co_await group.join();
            }
        }(value, ran, results),
        {.blocking_threads = 3, .blocking_queue = 100});
    EXPECT_GE(results, 800);
    EXPECT_GE(ran, results);
    pool = nullptr;
    EXPECT_EQ(value.use_count(), 1);
}

TEST(RunBlockingOnALoopOfItsOwn, NeedsNoPreparation) {
    int sum = 0;
    run([](int& total) -> Task<> {
        for (int i = 1; i <= 10; ++i) {
            total += co_await run_blocking([i] { return i; });
        }
    }(sum));
    EXPECT_EQ(sum, 55);
}

}  // namespace
}  // namespace c10k
