#include "task/fixture.hpp"

#include <coroutine>
#include <stdexcept>
#include <string>
#include <utility>

// Row 76, the loop's part: tasks that are empty, and awaiters of the user's own.
namespace c10k {
namespace {

class Row76 : public TaskTest {};

class Told final : public CompletionListener {
public:
    void on_completed() noexcept override { ++times; }

    int times = 0;
};

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

TEST_F(Row76, AnEmptyTaskEndsLaterInTheTurnNotInsideOfStart) {
    StopScope scope;
    Told told;
    Task<> empty;
    EXPECT_TRUE(empty.done());
    empty.result();
    empty.start(scope, told);
    EXPECT_EQ(told.times, 0);
    loop.run_until_idle();
    EXPECT_EQ(told.times, 1);
    EXPECT_TRUE(empty.done());
    empty.result();
}

TEST_F(Row76, EmptyTasksEndWhereverATaskIsTaken) {
    int steps = 0;
    c10k::run(Task<>{});
    c10k::run(on_loops(3, [](std::size_t) { return Task<>{}; }));
    run(Task<>{});
    run([](int& count) -> Task<> {
        co_await Task<>{};
        co_await with_timeout(1s, Task<>{});
        co_await shielded(1s, Task<>{});
        co_await task_group([&](TaskGroup& group) -> Task<> {
            for (int i = 0; i < 3; ++i) {
                group.spawn(Task<>{});
                group.spawn({}, log_failure);
            }
            EXPECT_EQ(group.size(), 6U);
            return {};
        });
        ++count;
    }(steps));
    EXPECT_EQ(steps, 1);
}

Task<int> nothing() { return {}; }

TEST_F(Row76, AnEmptyTaskThatOwesAResultThrowsWhoeverAsksForIt) {
    const std::string sentence = "this Task is empty: the function that returned it owes a result";
    int mistakes = 0;
    EXPECT_EQ(mistake_of([] { nothing().result(); }), sentence);
    const auto expect_mistake = [&]<typename Make>(Make make) {
        run([](Make& made, int& count, const std::string& text) -> Task<> {
            try {
                (void)co_await made();
            } catch (const std::logic_error& error) {
                EXPECT_EQ(error.what(), text);
                ++count;
            }
        }(make, mistakes, sentence));
    };
    expect_mistake([] { return nothing(); });
    expect_mistake([] { return with_timeout(1s, nothing()); });
    expect_mistake([] { return shielded(1s, nothing()); });
    EXPECT_EQ(mistakes, 3);
}

TEST_F(Row76, ATaskRunsOnce) {
    run([]() -> Task<> {
        Task<int> task = []() -> Task<int> { co_return 1; }();
        EXPECT_EQ(mistake_of([&] { (void)task.result(); }), "result(): the task has not ended");
        EXPECT_EQ(co_await std::move(task), 1);
        std::string mistake;
        try {
            (void)co_await std::move(task);  // NOLINT(bugprone-use-after-move): that is what is tested
        } catch (const std::logic_error& error) {
            mistake = error.what();
        }
        EXPECT_EQ(mistake, "a Task runs once: this one was started or awaited before");
    }());
    StopScope scope;
    Told told;
    Task<> task = []() -> Task<> { co_return; }();
    task.start(scope, told);
    EXPECT_EQ(mistake_of([&] { task.start(scope, told); }), "a Task runs once: this one was started or awaited before");
    loop.run_until_idle();
    EXPECT_EQ(told.times, 1);
    TaskGroup group;
    EXPECT_EQ(mistake_of([&] { group.spawn(std::move(task)); }),
              "a Task runs once: this one was started or awaited before");
    EXPECT_EQ(group.size(), 0U);
}

TEST_F(Row76, OnLoopsWantsALoop) {
    EXPECT_EQ(mistake_of([&] { run(on_loops(0, [](std::size_t) { return Task<>{}; })); }),
              "on_loops(): there is at least one loop");
}

TEST(Row76WithoutALoop, WhatNeedsALoopSaysThatThereIsNone) {
    const std::string sentence = "no event loop runs on this thread";
    TaskGroup group;
    EXPECT_EQ(mistake_of([&] { group.spawn({}); }), sentence);
    EXPECT_EQ(mistake_of([&] { group.spawn([]() -> Task<> { co_await sleep_for(1s); }()); }), sentence);
    EXPECT_EQ(group.size(), 0U);
    class Clock final : public Timer {
        void on_time() override {}
    };
    EXPECT_EQ(mistake_of([] { Clock{}.start(1s); }), sentence);
    EXPECT_EQ(mistake_of([] { schedule(std::noop_coroutine()); }), sentence);
}

// ---- Awaiters of the user's own

// A callback of some other library, called later with a number.
class Callback {
public:
    void call(int value) { std::exchange(waiting_, nullptr)->come(value); }

    // It has no base of ours, and is told where it lies in memory.
    class Copyable {
    public:
        explicit Copyable(Callback& callback) noexcept : callback_(callback) {}
        virtual ~Copyable() { ++callback_.destroyed; }
        Copyable(const Copyable&) = default;
        [[nodiscard]] bool await_ready() const noexcept { return value_ != 0; }
        void await_suspend(std::coroutine_handle<> task) {
            task_ = task;
            callback_.waiting_ = this;
        }
        [[nodiscard]] int await_resume() const noexcept { return value_; }
        void come(int value) {
            value_ = value;
            if (task_) {
                schedule(task_);
            }
        }

    private:
        Callback& callback_;
        std::coroutine_handle<> task_;
        int value_ = 0;
    };
    class Uncopyable final : public Copyable {
    public:
        using Copyable::Copyable;
        Uncopyable(const Uncopyable&) = delete;
        Uncopyable& operator=(const Uncopyable&) = delete;
    };

    int destroyed = 0;

private:
    Copyable* waiting_ = nullptr;
};

// Awaits an awaiter with a name, then one without.
template <typename Wait>
Task<> await_both(Callback& callback, std::string& got) {
    {
        Wait named{callback};
        got += std::to_string(co_await named);
        got += std::to_string(co_await named);  // has come already
    }
    got += std::to_string(co_await Wait{callback});
}

TEST_F(Row76, AnAwaiterOfTheUsersOwnIsAwaitedWhereItIs) {
    const auto check = [this](auto body) {
        Callback callback;
        std::string got;
        StopScope scope;
        Told told;
        Task<> task = body(callback, got);
        task.start(scope, told);
        loop.run_until_idle();
        callback.call(4);
        loop.run_until_idle();
        EXPECT_EQ(callback.destroyed, 1);
        callback.call(5);
        loop.run_until_idle();
        EXPECT_EQ(told.times, 1);
        EXPECT_EQ(got, "445");
        EXPECT_EQ(callback.destroyed, 2);
    };
    check(await_both<Callback::Copyable>);
    check(await_both<Callback::Uncopyable>);
}

TEST_F(Row76, AnAwaiterOfOursMayHaveAName) {
    const std::int64_t before = now();
    run([]() -> Task<> {
        SleepAwaiter nap = sleep_for(5ms);
        co_await nap;
        co_await nap;
        const auto& forever = until_stopped();
        try {
            co_await with_timeout(1ms, forever);
        } catch (const TimedOut&) {
        }
    }());
    EXPECT_EQ(now() - before, 11);
}

struct Seven {
    int value = 7;
    auto operator co_await() const noexcept {
        struct Wait {
            int value;
            static bool await_ready() noexcept { return true; }
            static void await_suspend(std::coroutine_handle<>) noexcept {}
            [[nodiscard]] int await_resume() const noexcept { return value; }
        };
        return Wait{value};
    }
};

TEST_F(Row76, AnAwaiterMayChooseWhoGoesOnAndWhatIsAwaitedMayMakeItsAwaiter) {
    struct Decline {
        static bool await_ready() noexcept { return false; }
        static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
        static void await_resume() noexcept {}
    };
    struct GoOn {
        static bool await_ready() noexcept { return false; }
        static std::coroutine_handle<> await_suspend(std::coroutine_handle<> task) noexcept { return task; }
        std::string& await_resume() noexcept { return text; }
        std::string text = "same";
    };
    int sum = 0;
    run([](int& total) -> Task<> {
        co_await Decline{};
        GoOn same;
        EXPECT_EQ(&co_await same, &same.text);
        const Seven seven;
        total = co_await seven + co_await Seven{};
    }(sum));
    EXPECT_EQ(sum, 14);
}

}  // namespace
}  // namespace c10k
