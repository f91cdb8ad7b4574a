#include "c10k/values.hpp"

#include "groups/loops.hpp"

#include <array>
#include <barrier>

namespace c10k {
namespace {

// Values on two loops, each of which runs one part.
class ValuesOnTwoLoops : public testing::TestWithParam<BackendChoice> {
protected:
    void run_on_both(std::function<Task<>(std::size_t)> part) {
        Loop loop{make_backend(GetParam())};
        StopScope scope;
        run(loop, on_loops(2, std::move(part)), scope);
    }

    Values values;
    std::barrier<> both{2};
};
INSTANTIATE_TEST_SUITE_P(Backends, ValuesOnTwoLoops, real_backends(), backend_name);

TEST_P(ValuesOnTwoLoops, AreEmptyUntilTheyAreSetAndThenTheSameOnBoth) {
    run_on_both([this](std::size_t number) -> Task<> {
        EXPECT_EQ(co_await values.get("phase"), std::nullopt);
        both.arrive_and_wait();
        if (number == 0) {
            co_await values.set("phase", "running");
        }
        both.arrive_and_wait();
        EXPECT_EQ(co_await values.get("phase"), "running");
        EXPECT_EQ(co_await values.get("size"), std::nullopt);
        both.arrive_and_wait();
        if (number == 1) {
            co_await values.set("phase", "");
        }
        both.arrive_and_wait();
        EXPECT_EQ(co_await values.get("phase"), "");  // which is set
    });
}

TEST_P(ValuesOnTwoLoops, AreComparedAndSetByOneOfTwoThatExpectTheSame) {
    constexpr std::size_t kRounds = 500;
    std::array<std::array<bool, kRounds>, 2> did{};
    run_on_both([&](std::size_t number) -> Task<> {
        for (std::size_t round = 0; round < kRounds; ++round) {
            const std::string name = std::to_string(round);
            both.arrive_and_wait();
            did[number][round] = co_await values.compare_and_set(name, std::nullopt, std::to_string(number));
            both.arrive_and_wait();
            EXPECT_EQ(co_await values.get(name), did[0][round] ? "0" : "1");
        }
    });
    for (std::size_t round = 0; round < kRounds; ++round) {
        EXPECT_NE(did[0][round], did[1][round]) << round;
    }
}

TEST_P(ValuesOnTwoLoops, AreCountedUpByBothWithoutLosingAny) {
    constexpr int kEach = 1000;
    run_on_both([this](std::size_t) -> Task<> {
        for (int counted = 0; counted < kEach;) {
            const std::optional<std::string> before = co_await values.get("count");
            const int after = (before ? std::stoi(*before) : 0) + 1;
            if (co_await values.compare_and_set("count", before, std::to_string(after))) {
                ++counted;
            }
        }
        both.arrive_and_wait();
        EXPECT_EQ(co_await values.get("count"), std::to_string(2 * kEach));
    });
}

TEST_P(ValuesOnTwoLoops, StayAsTheyAreIfAnotherOneIsExpected) {
    run_on_both([this](std::size_t number) -> Task<> {
        const std::string name = std::to_string(number);
        EXPECT_FALSE(co_await values.compare_and_set(name, "something", "new"));
        EXPECT_EQ(co_await values.get(name), std::nullopt);
        co_await values.set(name, "old");
        EXPECT_FALSE(co_await values.compare_and_set(name, std::nullopt, "new"));
        EXPECT_FALSE(co_await values.compare_and_set(name, "something", "new"));
        EXPECT_EQ(co_await values.get(name), "old");
        EXPECT_TRUE(co_await values.compare_and_set(name, "old", "new"));
        EXPECT_EQ(co_await values.get(name), "new");
    });
}

}  // namespace
}  // namespace c10k
