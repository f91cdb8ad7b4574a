#include "c10k/task.hpp"
#include "loop/backends.hpp"
#include "loop/loop.hpp"
#include "task/run.hpp"
#include "testkit/memory_backend.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace c10k {
namespace {

// On both backends: the other loops get the one of the first.
class OnLoops : public testing::TestWithParam<BackendChoice> {
protected:
    void run_here(Task<> main) {
        Loop loop{make_backend(GetParam())};
        run(loop, std::move(main), scope);
    }

    StopScope scope;
};
INSTANTIATE_TEST_SUITE_P(Backends, OnLoops, testing::Values(BackendChoice::kEpoll, BackendChoice::kAuto),
                         [](const auto& info) { return info.param == BackendChoice::kEpoll ? "epoll" : "auto"; });

TEST_P(OnLoops, RunsEachPartOnAThreadOfItsOwn) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::multiset<std::size_t> numbers;
    run_here(on_loops(64, [&](std::size_t number) -> Task<> {
        co_await yield();
        const std::lock_guard lock{mutex};
        threads.insert(std::this_thread::get_id());
        numbers.insert(number);
    }));
    EXPECT_EQ(threads.size(), 64U);
    EXPECT_TRUE(threads.contains(std::this_thread::get_id()));
    EXPECT_EQ(numbers.size(), 64U);
    EXPECT_EQ(*numbers.rbegin(), 63U);
}

TEST_P(OnLoops, StopsTheOthersWhenOneFailsAndThrowsWhatItThrew) {
    for (const std::size_t failing : {0, 2}) {
        std::atomic<int> stopped{0};
        const auto part = [&](std::size_t number) -> Task<> {
            if (number == failing) {
                throw std::runtime_error("broken");
            }
            try {
                co_await until_stopped();
            } catch (const Stopped&) {
                ++stopped;
            }
        };
        EXPECT_THROW(run_here(on_loops(4, part)), std::runtime_error);
        EXPECT_EQ(stopped, 3);
    }
}

TEST_P(OnLoops, PassesAStopOnToAllLoopsAndWaitsForThem) {
    std::atomic<int> running{0};
    std::atomic<int> ended{0};
    const auto part = [&](std::size_t) -> Task<> {
        if (++running == 4) {  // whichever loop is the last to start
            throw std::runtime_error("all are here");
        }
        try {
            co_await until_stopped();
        } catch (const Stopped&) {
            ++ended;
            throw;
        }
    };
    EXPECT_THROW(run_here(on_loops(4, part)), std::runtime_error);
    EXPECT_EQ(ended, 3);
    scope.request_stop();
    EXPECT_THROW(run_here(on_loops(3, [](std::size_t) -> Task<> { co_await until_stopped(); })), Stopped);
}

TEST(OnOneLoop, NeedsNoBackendThatAnotherLoopCouldHave) {
    Loop loop{std::make_unique<MemoryBackend>()};
    StopScope scope;
    bool ran = false;
    run(loop,
        on_loops(1,
                 [&ran](std::size_t) -> Task<> {
                     ran = true;
                     co_return;
                 }),
        scope);
    EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace c10k
