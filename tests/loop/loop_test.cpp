#include "loop/loop.hpp"

#include "testkit/memory_backend.hpp"

#include <atomic>
#include <coroutine>
#include <exception>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;

// A backend whose events are what a test says.
class ScriptedBackend final : public Backend {
public:
    std::vector<std::function<int()>> turns;  // each wait() plays the next one
    std::vector<std::optional<std::int64_t>> waits;
    std::int64_t clock = 1000;
    std::optional<std::int64_t> heard;  // until when, if not until now

    [[nodiscard]] std::string_view name() const noexcept override { return "scripted"; }
    [[nodiscard]] std::size_t capacity() const noexcept override { return SIZE_MAX; }
    SocketId listen(const Address&, const ListenOptions&, ListenerEvents&) override { return {}; }
    [[nodiscard]] Address local_address(SocketId) const override { return {}; }
    void pause_accepting(SocketId) override {}
    void resume_accepting(SocketId) override {}
    SocketId connect(const Address&, const Address&) override { return {}; }
    void attach(SocketId, SocketEvents&) override {}
    void start_receiving(SocketId) override {}
    void stop_receiving(SocketId) override {}
    std::size_t send(SocketId, std::span<const iovec>) override { return 0; }
    void shutdown_write(SocketId) override {}
    void close(SocketId, std::shared_ptr<const void>) override {}
    [[nodiscard]] std::int64_t now() const noexcept override { return clock; }
    int wait(std::optional<std::int64_t> until) override {
        waits.push_back(until);
        if (turns.empty()) {
            return 0;
        }
        const auto turn = turns.front();
        turns.erase(turns.begin());
        return turn();
    }
    [[nodiscard]] std::int64_t heard_until() const noexcept override { return heard.value_or(clock); }
    void wake() noexcept override { ++wakes; }

    std::atomic<int> wakes = 0;
};

class Note final : public Flushable {
public:
    Note(std::vector<int>& notes, int name) : notes_(notes), name_(name) {}

private:
    void flush() override { notes_.push_back(name_); }

    std::vector<int>& notes_;
    int name_;
};

class TestTimer final : public Timer {
public:
    explicit TestTimer(std::function<void()> action) : action_(std::move(action)) {}

private:
    void on_time() override { action_(); }

    std::function<void()> action_;
};

class LoopTest : public testing::Test {
protected:
    LoopTest() : owned_(std::make_unique<ScriptedBackend>()), backend(*owned_), loop(std::move(owned_)) {}

private:
    std::unique_ptr<ScriptedBackend> owned_;

protected:
    ScriptedBackend& backend;
    Loop loop;
    std::vector<int> flushed;
};

TEST_F(LoopTest, FlushesOnlyWhenThereIsNothingToRead) {
    Note note{flushed, 1};
    loop.flush_later(note, 10);
    backend.turns = {[] { return 1; }, [] { return 3; }, [] { return 0; }};
    loop.turn();
    loop.turn();
    EXPECT_TRUE(flushed.empty());
    loop.turn();
    EXPECT_EQ(flushed, std::vector<int>{1});
}

TEST_F(LoopTest, SleepsNoLongerThanItIsTold) {
    loop.turn(1500);
    loop.turn(std::nullopt);
    EXPECT_EQ(backend.waits, (std::vector<std::optional<std::int64_t>>{1500, std::nullopt}));
    TestTimer timer{[] {}};
    timer.start(100ms);
    backend.waits.clear();
    loop.turn(1050);
    loop.turn(1500);
    EXPECT_EQ(backend.waits.front(), 1050);
    EXPECT_LE(backend.waits.back(), 1100);  // the timer comes first
}

// A turn that hides what is left to do would let a program sleep elsewhere meanwhile.
TEST_F(LoopTest, TellsWhetherItHasMoreToDoAndThenDoesNotSleep) {
    class Work final : public EndOfTurn {
    public:
        int done = 0;

    private:
        void end_turn() override { ++done; }
    };
    const auto turn = [this] {
        backend.waits.clear();
        loop.turn(5000);
        return backend.waits.front();
    };
    EXPECT_FALSE(loop.has_work());
    EXPECT_EQ(turn(), 5000);

    Note note{flushed, 1};
    loop.flush_later(note, 10);
    EXPECT_TRUE(loop.has_work());
    EXPECT_EQ(turn(), 0);
    EXPECT_FALSE(loop.has_work());

    Work work;
    loop.at_end_of_turn(work);
    EXPECT_TRUE(loop.has_work());
    EXPECT_EQ(turn(), 0);
    EXPECT_EQ(work.done, 1);
    EXPECT_FALSE(loop.has_work());

    int jobs = 0;
    loop.job_queue()->post_call([&jobs] { ++jobs; });
    EXPECT_TRUE(loop.has_work());
    EXPECT_EQ(turn(), 0);
    EXPECT_EQ(jobs, 1);
    EXPECT_FALSE(loop.has_work());

    int fired = 0;
    TestTimer timer{[&fired] { ++fired; }};
    timer.start(100ms);
    EXPECT_FALSE(loop.has_work());
    backend.clock += 100;
    EXPECT_TRUE(loop.has_work());
    turn();
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(loop.has_work());

    loop.schedule(std::noop_coroutine());
    EXPECT_TRUE(loop.has_work());
    EXPECT_EQ(turn(), 0);
    EXPECT_FALSE(loop.has_work());
}

TEST_F(LoopTest, FlushesTheOldest64AndThenLooksForInput) {
    std::vector<std::unique_ptr<Note>> notes;
    for (int i = 0; i < 100; ++i) {
        notes.push_back(std::make_unique<Note>(flushed, i));
        loop.flush_later(*notes.back(), 10);
    }
    loop.turn();
    ASSERT_EQ(flushed.size(), 64U);
    for (int i = 0; i < 64; ++i) {
        EXPECT_EQ(flushed[static_cast<std::size_t>(i)], i);
    }
    backend.turns = {[] { return 1; }};
    loop.turn();
    EXPECT_EQ(flushed.size(), 64U);
    loop.turn();
    EXPECT_EQ(flushed.size(), 100U);
}

// 64 are flushed at once; with input that never ends, those behind wait longer, but no longer than their turn.
TEST_F(LoopTest, Row73FlushesTenTimesAsManyAsAtOnceInTheirOrderWhoeverComesAgain) {
    constexpr int kMany = 640;
    std::vector<std::unique_ptr<Note>> notes;
    for (int i = 0; i < kMany; ++i) {
        notes.push_back(std::make_unique<Note>(flushed, i));
        loop.flush_later(*notes.back(), 10);
    }
    for (int turn = 0; turn < 11; ++turn) {
        backend.turns = {[&] {  // there is always input, and the first have always more to send
            for (int i = 0; i < 64; ++i) {
                loop.flush_later(*notes[static_cast<std::size_t>(i)], 10);
            }
            backend.clock += 101;
            return 1;
        }};
        loop.turn();
    }
    ASSERT_EQ(flushed.size(), 11U * 64);
    for (int i = 0; i < kMany; ++i) {
        EXPECT_EQ(flushed[static_cast<std::size_t>(i)], i);
    }
}

TEST_F(LoopTest, FlushesEachOnceHoweverMuchWasAdded) {
    Note note{flushed, 1};
    loop.flush_later(note, 10);
    loop.flush_later(note, 10);
    loop.turn();
    loop.turn();
    EXPECT_EQ(flushed, std::vector<int>{1});
    loop.flush_later(note, 10);
    loop.turn();
    EXPECT_EQ(flushed.size(), 2U);
}

TEST_F(LoopTest, FlushesInSpiteOfInputWhenMuchHasGathered) {
    Note note{flushed, 1};
    loop.flush_later(note, std::size_t{4} << 20);
    backend.turns = {[] { return 1; }, [] { return 1; }};
    loop.turn();
    EXPECT_TRUE(flushed.empty());
    loop.flush_later(note, 1);
    loop.turn();
    EXPECT_EQ(flushed.size(), 1U);
}

TEST_F(LoopTest, FlushesInSpiteOfInputWhenTheOldestHasWaitedLong) {
    Note note{flushed, 1};
    loop.flush_later(note, 10);
    backend.turns = {[this] { return backend.clock += 100, 1; }, [this] { return backend.clock += 1, 1; }};
    loop.turn();
    EXPECT_TRUE(flushed.empty());
    loop.turn();
    EXPECT_EQ(flushed.size(), 1U);
}

TEST_F(LoopTest, ForgetsWhatIsDestroyedBeforeItsFlush) {
    Note first{flushed, 1};
    auto second = std::make_unique<Note>(flushed, 2);
    Note third{flushed, 3};
    loop.flush_later(first, 10);
    loop.flush_later(*second, std::size_t{64} << 20);
    loop.flush_later(third, 10);
    second.reset();
    backend.turns = {[] { return 1; }};
    loop.turn();
    EXPECT_TRUE(flushed.empty());  // nor do its bytes count any more
    loop.turn();
    EXPECT_EQ(flushed, (std::vector<int>{1, 3}));
}

TEST_F(LoopTest, SleepsUntilTheFirstTimerOrForEver) {
    loop.turn();
    EXPECT_EQ(backend.waits.back(), std::nullopt);
    TestTimer timer{[] {}};
    timer.start(20ms);
    loop.turn();
    ASSERT_TRUE(backend.waits.back().has_value());
    EXPECT_GT(*backend.waits.back(), backend.clock);
    EXPECT_LE(*backend.waits.back(), backend.clock + 20);
}

TEST_F(LoopTest, DoesNotSleepWhileThereIsSomethingToFlush) {
    std::vector<std::unique_ptr<Note>> notes;
    for (int i = 0; i < 65; ++i) {
        notes.push_back(std::make_unique<Note>(flushed, i));
        loop.flush_later(*notes.back(), 1);
    }
    loop.turn();
    EXPECT_EQ(backend.waits.back(), 0);
    loop.turn();
    EXPECT_EQ(backend.waits.back(), 0);
    loop.turn();
    EXPECT_EQ(backend.waits.back(), std::nullopt);
}

TEST_F(LoopTest, FiresTimersByTheBackendsClock) {
    std::vector<int> fired;
    TestTimer second{[&] { fired.push_back(2); }};
    TestTimer first{[&] { fired.push_back(1); }};
    TestTimer moved{[&] { fired.push_back(3); }};
    TestTimer cancelled{[] { FAIL(); }};
    second.start(20ms);
    first.start(1500us);  // rounded up
    moved.start(1ms);
    moved.start(30ms);
    cancelled.start(1ms);
    cancelled.cancel();
    backend.clock += 1;
    loop.turn();
    EXPECT_TRUE(fired.empty());
    backend.clock += 1;
    loop.turn();
    EXPECT_EQ(fired, std::vector<int>{1});
    backend.clock += 1000;
    loop.turn();
    EXPECT_EQ(fired, (std::vector<int>{1, 2, 3}));
}

TEST_F(LoopTest, SettlesOnlyWhenAFlushHasBroughtNothingNew) {
    Note note{flushed, 1};
    loop.flush_later(note, 1);
    Note answer{flushed, 2};
    backend.turns = {[] { return 0; },  // after which the note is flushed, and somebody answers
                     [&] { return loop.flush_later(answer, 1), 1; }};
    loop.run_until_idle();
    EXPECT_EQ(flushed, (std::vector<int>{1, 2}));
    EXPECT_EQ(backend.waits.back(), 0);
}

TEST_F(LoopTest, KeepsOneObjectOfEachTypeWithItself) {
    struct First {
        explicit First(Loop& owner) : loop(owner) {}
        Loop& loop;
    };
    struct Second {
        explicit Second(Loop&) {}
    };
    First& first = loop.local<First>();
    loop.local<Second>();
    EXPECT_EQ(&first, &loop.local<First>());
    EXPECT_EQ(&first.loop, &loop);
}

TEST_F(LoopTest, IsTheCurrentLoopOfItsThreadUntilItEnds) {
    EXPECT_EQ(&Loop::current(), &loop);
    {
        Loop inner{std::make_unique<ScriptedBackend>()};
        EXPECT_EQ(&Loop::current(), &inner);
    }
    EXPECT_EQ(&Loop::current(), &loop);
}

TEST_F(LoopTest, IsWokenOnceForManyCallsAndOnlyWhenItSleeps) {
    std::vector<int> ran;
    loop.job_queue()->post_call([&] { ran.push_back(1); });
    loop.job_queue()->post_call([&] {
        ran.push_back(2);
        loop.job_queue()->post_call([&] { ran.push_back(3); });
    });
    loop.turn();
    EXPECT_EQ(ran, (std::vector<int>{1, 2}));
    loop.turn();
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(backend.wakes, 0);
    backend.turns.push_back([&] {  // asleep
        loop.job_queue()->post_call([&] { ran.push_back(4); });
        loop.job_queue()->post_call([&] { ran.push_back(5); });
        return 0;
    });
    loop.turn();
    EXPECT_EQ(backend.wakes, 1);
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3, 4, 5}));
}

// A coroutine that a test schedules.
struct Scheduled {
    struct promise_type {
        Scheduled get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        static std::suspend_always initial_suspend() noexcept { return {}; }
        static std::suspend_never final_suspend() noexcept { return {}; }
        static void return_void() noexcept {}
        static void unhandled_exception() noexcept { std::terminate(); }
    };
    std::coroutine_handle<> handle;
};

class Ring final : public Timer {
public:
    int times = 0;

private:
    void on_time() override { ++times; }
};

TEST(Loop, Row72LetsNoTimerRingBeforeWhatHadComeByThenIsDelivered) {
    auto made = std::make_unique<ScriptedBackend>();
    ScriptedBackend& backend = *made;
    Loop loop{std::move(made)};
    Ring timer;
    timer.start(std::chrono::milliseconds{20});
    backend.heard = backend.clock;
    backend.clock += 60'000;  // the process stood still
    loop.turn();
    EXPECT_EQ(timer.times, 0);
    EXPECT_TRUE(backend.waits.back().has_value());
    EXPECT_LE(*backend.waits.back(), backend.clock) << "it looks for more at once";
    backend.turns.push_back([&] {
        EXPECT_EQ(timer.times, 0);
        timer.cancel();  // what came in time
        backend.heard = backend.clock;
        return 1;
    });
    loop.turn();
    EXPECT_EQ(timer.times, 0);
    timer.start(std::chrono::milliseconds{20});
    backend.clock += 60'000;
    backend.heard = backend.clock;
    loop.turn();
    EXPECT_EQ(timer.times, 1);
}

TEST(Loop, Row72LetsATimerJudgeByTheTimeUntilWhichItHasHeard) {
    class Judge final : public Timer {
    public:
        explicit Judge(Loop& loop) : loop_(loop) {}
        std::int64_t time = 0;

    private:
        void on_time() override { time = loop_.now(); }
        Loop& loop_;
    };
    auto made = std::make_unique<ScriptedBackend>();
    ScriptedBackend& backend = *made;
    Loop loop{std::move(made)};
    Judge judge{loop};
    judge.start(std::chrono::milliseconds{20});
    backend.clock += 30;
    backend.turns.push_back([&] {
        backend.heard = backend.clock;
        backend.clock += 60'000;  // the process stands still when it has read
        return 0;
    });
    loop.turn();
    EXPECT_EQ(judge.time, *backend.heard);
    EXPECT_EQ(loop.now(), backend.clock);
}

TEST(Loop, Row72LetsTheTasksRunThatBecameReadyBeforeATimerRings) {
    auto made = std::make_unique<ScriptedBackend>();
    ScriptedBackend& backend = *made;
    Loop loop{std::move(made)};
    Ring timer;
    timer.start(std::chrono::milliseconds{20});
    const auto task = [](Timer& awaited) -> Scheduled {
        awaited.cancel();
        co_return;
    };
    backend.turns.push_back([&] {
        backend.clock += 60'000;
        loop.schedule(task(timer).handle);  // by what has come
        return 1;
    });
    loop.turn();
    EXPECT_EQ(timer.times, 0);
}

TEST(JobQueue, DropsWhatIsPostedAfterTheLoop) {
    std::shared_ptr<JobQueue> job_queue;
    auto guard = std::make_shared<int>(0);
    {
        Loop loop{std::make_unique<MemoryBackend>()};
        job_queue = loop.job_queue();
        EXPECT_TRUE(job_queue->post_call([guard] { FAIL(); }));
    }
    EXPECT_EQ(guard.use_count(), 1);  // dropped, not kept
    EXPECT_FALSE(job_queue->post_call([] { FAIL(); }));
}

TEST(JobQueue, MayBeUsedWhileTheLoopEnds) {
    std::atomic<bool> stop = false;
    std::atomic<int> unread = 0;
    std::shared_ptr<JobQueue> job_queue;
    std::thread other;
    {
        Loop loop{std::make_unique<MemoryBackend>()};
        job_queue = loop.job_queue();
        other = std::thread{[&] {
            constexpr int kMaxUnread = 10'000;  // else a loop that gets less time than we do never comes to an end
            while (!stop) {
                if (unread < kMaxUnread) {
                    ++unread;
                    job_queue->post_call([&unread] { --unread; });
                }
            }
        }};
        for (int i = 0; i < 100; ++i) {
            loop.turn();
        }
    }
    stop = true;
    other.join();
    EXPECT_FALSE(job_queue->post_call([] {}));
}

// Notes its end.
class Mortal final : public Retirable {
public:
    explicit Mortal(int& ended) noexcept : ended_(ended) {}
    ~Mortal() override { ++ended_; }

private:
    int& ended_;
};

TEST(Retired, LivesUntilTheEndOfTheTurnInWhichItsOwnerLetItGo) {
    Loop loop{std::make_unique<MemoryBackend>()};
    int ended = 0;
    int ended_before = -1;
    class Owner final : public EndOfTurn {
    public:
        explicit Owner(std::function<void()> work) : work_(std::move(work)) {}

    private:
        void end_turn() override { work_(); }

        std::function<void()> work_;
    };
    Owner first{[&] { loop.retire(std::make_unique<Mortal>(ended)); }};
    Owner second{[&] { ended_before = ended; }};
    loop.at_end_of_turn(first);
    loop.at_end_of_turn(second);
    loop.turn();
    EXPECT_EQ(ended_before, 0);
    EXPECT_EQ(ended, 1);
}

TEST(Retired, MayRetireOthersInItsDestructor) {
    class Parent final : public Retirable {
    public:
        Parent(Loop& loop, int& ended) : loop_(loop), child_(std::make_unique<Mortal>(ended)) {}
        ~Parent() override { loop_.retire(std::move(child_)); }

    private:
        Loop& loop_;
        std::unique_ptr<Mortal> child_;
    };
    Loop loop{std::make_unique<MemoryBackend>()};
    int ended = 0;
    loop.retire(std::make_unique<Parent>(loop, ended));
    loop.run_until_idle();
    EXPECT_EQ(ended, 1);
}

TEST(Retired, EndsWithTheLoopAtTheLatest) {
    int ended = 0;
    {
        Loop loop{std::make_unique<MemoryBackend>()};
        loop.retire(std::make_unique<Mortal>(ended));
        EXPECT_EQ(ended, 0);
    }
    EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace c10k
