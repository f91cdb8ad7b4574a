#pragma once

#include "gameoflife/players.hpp"
#include "gameoflife/start.hpp"

#include <c10k/json.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

namespace life {

// A command that the players cannot follow: the text says what to do instead.
class CommandRefused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The user's commands to the players, from a page: JSON objects of the subprotocol life.control, such as {"step": 1}.
//
// Thread: that of Players::play().
class Commands {
public:
    // Requires: both live as long. Not checked.
    Commands(Players& players, Start& start) : players_(players), start_(start) {}

    // Throws CommandRefused.
    void run(const nlohmann::json& command);

    // The game that the players play: the members of "hello".
    [[nodiscard]] nlohmann::json game() const;
    // How they play it: the members of "play".
    [[nodiscard]] nlohmann::json play() const;
    // The game for which the players leave, as it needs other connections.
    [[nodiscard]] std::optional<Start>& next() noexcept { return next_; }

private:
    using Clock = std::chrono::steady_clock;

    void require_cells() const;
    void require_game() const;
    void resume(const nlohmann::json& argument);
    void pause(const nlohmann::json& argument);
    void step(const nlohmann::json& count);
    void set_speed(const nlohmann::json& speed);
    void hold(const nlohmann::json& cell);
    void release(const nlohmann::json& argument);
    void again(const nlohmann::json& argument);
    void begin(const nlohmann::json& wanted);
    [[nodiscard]] Start start_of(const nlohmann::json& wanted) const;

    Players& players_;
    Start& start_;  // of the game that is played
    Clock::time_point held_since_;
    std::optional<Start> next_;
};

}  // namespace life
