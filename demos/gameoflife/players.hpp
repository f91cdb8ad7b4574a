#pragma once

#include "gameoflife/grid.hpp"

#include <c10k/client.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

namespace life {

// The game cannot go on: the text says which cell and why.
class GameOver : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct GameOptions {
    Edges edges = Edges::kWrapped;
    std::optional<std::uint64_t> steps;  // none: for ever
    double steps_per_second = 1.0;       // at most; 0: no limit
};

// Where the players are, all together.
struct Progress {
    std::size_t connected = 0;
    std::size_t subscribed = 0;
    std::uint64_t states_sent = 0;  // of all cells, those of step 0 included
};

// All the cells of one game, each with a WebSocket of its own: it knows its own state and the rule, and hears of its
// neighbours' only from the server.
class Players {
public:
    Players(const Grid& start, GameOptions options);

    // Connects a worker for each cell and lets them play. Throws GameOver.
    c10k::Task<> play(c10k::Endpoint worker_endpoint);

    [[nodiscard]] const Progress& progress() const noexcept { return progress_; }
    // The last state each cell has sent.
    [[nodiscard]] const Grid& grid() const noexcept { return grid_; }

private:
    c10k::Task<> connect_cells(c10k::Endpoint server);
    c10k::Task<> connect_cell(c10k::Endpoint server, Position position);
    c10k::Task<> play_cell(c10k::WebSocket& socket, Position position);
    c10k::Task<> subscribe(c10k::WebSocket& socket, Position position, std::span<const Position> around);
    c10k::Task<> play_steps(c10k::WebSocket& socket, Position position, std::size_t neighbour_count);
    // Ends the game when nothing has moved for too long.
    c10k::Task<> watch();

    [[nodiscard]] std::size_t index(Position position) const noexcept;
    [[nodiscard]] c10k::Duration pace() const noexcept;

    GameOptions options_;
    Grid grid_;
    Progress progress_;
    std::size_t connecting_ = 0;
    std::vector<std::int64_t> waiting_since_;  // for each cell that waits for its neighbours: ms; else 0
};

}  // namespace life
