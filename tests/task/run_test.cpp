#include "loop/backend.hpp"
#include "task/fixture.hpp"

#include <atomic>
#include <csignal>
#include <semaphore>
#include <stdexcept>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

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
    EXPECT_THROW(run([]() -> Task<> {
                     const itimerval soon{{0, 0}, {0, 10'000}};
                     ::setitimer(ITIMER_REAL, &soon, nullptr);
                     co_await sleep_for(1h);
                 }()),
                 Stopped);
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

// A backend without sockets, on which wake() takes long: until `is_over`, or until it is plain that it waits for
// wake().
class SlowToWake final : public Backend {
public:
    explicit SlowToWake(const std::atomic<bool>& is_over) noexcept : is_over_(is_over) {}

    [[nodiscard]] std::string_view name() const noexcept override { return "slow to wake"; }
    [[nodiscard]] std::size_t capacity() const noexcept override { return 0; }
    SocketId listen(const Address&, const ListenOptions&, ListenerEvents&) override { throw std::logic_error(""); }
    [[nodiscard]] Address local_address(SocketId) const override { throw std::logic_error(""); }
    void pause_accepting(SocketId) override {}
    void resume_accepting(SocketId) override {}
    SocketId connect(const Address&, const Address&) override { throw std::logic_error(""); }
    void attach(SocketId, SocketEvents&) override {}
    void start_receiving(SocketId) override {}
    void stop_receiving(SocketId) override {}
    std::size_t send(SocketId, std::span<const iovec>) override { throw std::logic_error(""); }
    void shutdown_write(SocketId) override {}
    void close(SocketId, std::shared_ptr<const void>) override {}
    [[nodiscard]] std::int64_t now() const noexcept override { return 0; }
    int wait(std::optional<std::int64_t>) override {
        std::this_thread::yield();
        return 0;
    }
    [[nodiscard]] std::int64_t heard_until() const noexcept override { return 0; }
    void wake() noexcept override {
        is_waking = true;
        // Each may last as long as all others on the machine take in turn.
        for (int i = 0; i < 1'000 && !is_over_; ++i) {
            std::this_thread::yield();
        }
        was_over = is_over_.load();
    }

    static inline std::atomic<bool> is_waking{false};
    static inline std::atomic<bool> was_over{false};

private:
    const std::atomic<bool>& is_over_;
};

TEST(Run, KeepsItsBackendUntilASignalHandlerOnAnotherThreadHasDoneWithIt) {
    std::atomic<bool> is_over = false;
    std::binary_semaphore runs{0};
    std::thread other;
    {
        Loop loop{std::make_unique<SlowToWake>(is_over)};
        other = std::thread{[&runs] {
            runs.acquire();
            std::raise(SIGUSR2);
        }};
        EXPECT_NO_THROW(run(loop, [](std::binary_semaphore& begun) -> Task<> {
            begun.release();
            while (!SlowToWake::is_waking) {
                try {
                    co_await yield();
                } catch (const Stopped&) {
                }
            }
        }(runs)));
        is_over = true;
    }
    other.join();
    EXPECT_FALSE(SlowToWake::was_over) << "the loop has gone while a handler used its backend";
}

TEST(Run, OneSignalStopsAllThatRunAndEachMayEndFirst) {
    struct sigaction before {};
    ::sigaction(SIGTERM, nullptr, &before);
    std::counting_semaphore started{0};
    std::atomic<int> stopped{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&, i] {
            run([](auto& begun, auto& count, int number) -> Task<> {
                begun.release();
                if (number == 0) {
                    co_return;  // it leaves the others to the signal
                }
                try {
                    co_await sleep_for(1h);
                } catch (const Stopped&) {
                    ++count;
                }
            }(started, stopped, i));
        });
        started.acquire();
    }
    threads.front().join();
    ::kill(::getpid(), SIGTERM);
    threads[1].join();
    threads[2].join();
    EXPECT_EQ(stopped, 2);
    struct sigaction after {};
    ::sigaction(SIGTERM, nullptr, &after);
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
