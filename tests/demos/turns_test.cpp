#include "gameoflife/turns.hpp"

#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <optional>

namespace life {
namespace {

using c10k::Duration;
using namespace std::chrono_literals;

constexpr Position kCell{1, 2};
constexpr Position kOther{3, 4};
constexpr std::optional<Duration> kGo{Duration::zero()};
constexpr std::optional<Duration> kWait{Turns::kUntilCommand};

// Cells that go as fast as they can, unless a command has it otherwise.
struct Fixture {
    explicit Fixture(std::optional<std::uint64_t> last = {}) : turns(pace, last) {}

    std::optional<Duration> ask(std::uint64_t step, Position cell = kCell) { return turns.wait_before(step, cell, {}); }

    Pace pace{8, 0, 0, 0};
    Turns turns;
};

TEST(Turns, AreGivenAtOnceWithoutALimit) {
    Fixture game;
    EXPECT_EQ(game.ask(1), kGo);
    EXPECT_EQ(game.ask(2), kGo);
    EXPECT_EQ(game.ask(1, kOther), kGo);
}

TEST(Turns, WaitUntilTheTimeBetweenTwoStepsIsOver) {
    Fixture game;
    game.pace.set_speed(0.001);
    const auto now = Turns::Clock::now();
    EXPECT_GT(game.turns.wait_before(1, kCell, now), std::optional<Duration>{900s});
    EXPECT_EQ(game.turns.wait_before(1, kCell, now - 1000s), kGo);
}

TEST(Turns, EndAfterTheLastStep) {
    Fixture game{5};
    EXPECT_EQ(game.ask(5), kGo);
    EXPECT_EQ(game.ask(6), std::nullopt);
}

TEST(Turns, OfAPausedGameCatchUpWithTheFurthestCellWithoutPauses) {
    Fixture game;
    game.pace.set_speed(0.001);
    EXPECT_EQ(game.ask(7), kGo);
    game.turns.pause();
    EXPECT_TRUE(game.turns.is_paused());
    EXPECT_EQ(game.turns.wait_before(6, kOther, Turns::Clock::now()), kGo);
    EXPECT_EQ(game.ask(7, kOther), kGo);
    EXPECT_EQ(game.ask(8), kWait);
    EXPECT_EQ(game.ask(8, kOther), kWait);
    game.turns.play();
    EXPECT_FALSE(game.turns.is_paused());
    EXPECT_EQ(game.ask(8), kGo);
}

TEST(Turns, OfAPausedGameGoOnStepByStep) {
    Fixture game;
    game.turns.step(1);  // it is not paused: nothing happens
    game.turns.pause();
    EXPECT_EQ(game.ask(1), kWait);
    game.turns.step(1);
    EXPECT_EQ(game.ask(1), kGo);
    EXPECT_EQ(game.ask(2), kWait);
    game.turns.step(2);
    EXPECT_EQ(game.ask(3), kGo);
    EXPECT_EQ(game.ask(4), kWait);
}

TEST(Turns, OfStepsThatAreTakenBackAreNotGiven) {
    Fixture game;
    game.turns.pause();
    game.turns.step(1000);
    EXPECT_EQ(game.ask(1), kGo);
    EXPECT_EQ(game.ask(2), kGo);
    game.turns.pause();
    EXPECT_EQ(game.ask(3), kWait);
    EXPECT_EQ(game.ask(2, kOther), kGo);
    game.turns.step(1000);
    game.turns.play();
    EXPECT_EQ(game.ask(3), kGo);
    game.turns.pause();
    EXPECT_EQ(game.ask(4), kWait);
    game.turns.step(1000);
    EXPECT_EQ(game.ask(4), kGo);
    game.turns.end();
    EXPECT_EQ(game.ask(5), std::nullopt);
}

TEST(Turns, OfAHeldCellWaitForItsReleaseAndThoseOfOthersDoNot) {
    Fixture game;
    game.turns.hold(kCell);
    EXPECT_EQ(game.turns.held(), kCell);
    EXPECT_EQ(game.ask(1), kWait);
    EXPECT_EQ(game.ask(1, kOther), kGo);
    game.turns.hold(kOther);
    EXPECT_EQ(game.ask(1), kGo);
    EXPECT_EQ(game.ask(2, kOther), kWait);
    game.turns.release();
    EXPECT_EQ(game.turns.held(), std::nullopt);
    EXPECT_EQ(game.ask(2, kOther), kGo);
}

TEST(Turns, OfAGameThatEndsAreOverAtTheFurthestStepForAllEvenAHeldCell) {
    Fixture game;
    EXPECT_EQ(game.ask(7), kGo);
    game.turns.hold(kOther);
    game.turns.end();
    EXPECT_EQ(game.ask(8), std::nullopt);
    EXPECT_EQ(game.ask(7, kOther), kGo);
    EXPECT_EQ(game.ask(8, kOther), std::nullopt);
    game.turns.play();  // too late
    EXPECT_EQ(game.ask(8), std::nullopt);
}

TEST(Turns, BeginAnewWithTheNextGame) {
    Fixture game;
    EXPECT_EQ(game.ask(7), kGo);
    game.turns.hold(kCell);
    game.turns.end();
    game.turns.begin();
    EXPECT_EQ(game.turns.held(), std::nullopt);
    EXPECT_EQ(game.ask(1), kGo);
    game.turns.pause();
    EXPECT_EQ(game.ask(2, kOther), kWait);
}

}  // namespace
}  // namespace life
