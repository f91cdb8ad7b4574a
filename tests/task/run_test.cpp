#include "task/fixture.hpp"

#include <csignal>
#include <stdexcept>
#include <sys/time.h>

namespace c10k {
namespace {

TEST(Run, RunsOnALoopOfItsOwn) {
    int steps = 0;
    run([](int& count) -> Task<> {
        ++count;
        co_await yield();
        ++count;
    }(steps));
    EXPECT_EQ(steps, 2);
}

TEST(Run, ThrowsWhatTheTaskThrows) {
    EXPECT_THROW(run([]() -> Task<> {
                     co_await yield();
                     throw std::runtime_error("no");
                 }()),
                 std::runtime_error);
}

TEST(Run, StopsTheTaskOnASignal) {
    for (const int signal : {SIGINT, SIGTERM, SIGUSR2}) {
        bool stopped = false;
        EXPECT_THROW(run([](int number, bool& flag) -> Task<> {
                         co_await yield();
                         std::raise(number);
                         try {
                             co_await sleep_for(1h);
                         } catch (const Stopped&) {
                             flag = true;
                             throw;
                         }
                     }(signal, stopped)),
                     Stopped);
        EXPECT_TRUE(stopped);
        EXPECT_EQ(stop_signal(), signal);
    }
}

TEST(Run, StopsATaskThatSleepsWhenTheSignalComes) {
    // A signal in the middle of the loop's sleep: an alarm sends it.
    struct sigaction raise_int {};
    raise_int.sa_handler = [](int) { std::raise(SIGINT); };
    struct sigaction usual {};
    ::sigaction(SIGALRM, &raise_int, &usual);
    const itimerval soon{{0, 0}, {0, 10'000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
    EXPECT_THROW(run([]() -> Task<> { co_await sleep_for(1h); }()), Stopped);
    ::sigaction(SIGALRM, &usual, nullptr);
}

TEST(Run, LetsATaskFinishItsLastWordsAfterASignal) {
    bool said = false;
    run([](bool& flag) -> Task<> {
        std::raise(SIGTERM);
        try {
            co_await sleep_for(1h);
        } catch (const Stopped&) {
        }
        co_await shielded(1s, yield());
        flag = true;
    }(said));
    EXPECT_TRUE(said);
}

TEST(Run, RestoresTheHandlersOfSignals) {
    struct sigaction before {};
    struct sigaction after {};
    ::sigaction(SIGINT, nullptr, &before);
    run([]() -> Task<> { co_return; }());
    ::sigaction(SIGINT, nullptr, &after);
    EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(RunDeathTest, EndsTheProcessAtTheSecondSignal) {
    EXPECT_EXIT(run([]() -> Task<> {
                    std::raise(SIGINT);
                    std::raise(SIGINT);
                    co_return;
                }()),
                testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace c10k
