#include "gameoflife/game.hpp"

#include <sstream>

namespace life {

std::string Game::text() const {
    return std::to_string(number) + ' ' + std::to_string(size) + ' ' + std::to_string(static_cast<int>(phase)) + ' ' +
           std::to_string(resets);
}

Game Game::parse(std::string_view text) {
    Game game;
    int phase = 0;
    std::istringstream{std::string{text}} >> game.number >> game.size >> phase >> game.resets;
    game.phase = static_cast<Phase>(phase);
    return game;
}

}  // namespace life
