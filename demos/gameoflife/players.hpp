#pragma once

#include "gameoflife/grid.hpp"
#include "patience.hpp"

#include <c10k/client.hpp>
#include <c10k/semaphore.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
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
    std::size_t loops = 1;               // that the cells are spread over
};

// Where the players are, all together. Thread: any.
struct Progress {
    std::atomic<std::size_t> connected{0};
    std::atomic<std::size_t> subscribed{0};
    std::atomic<std::uint64_t> states_sent{0};  // of all cells, those of step 0 included
    std::atomic<std::size_t> finished{0};       // cells that have sent their last state and heard their neighbours'
};

// All the cells of one game, each with a WebSocket of its own. A cell knows its own state and the rule, and learns its
// neighbours' states only from the server.
class Players {
public:
    Players(const Grid& start, GameOptions options);

    // Connects a worker for each cell and lets them play. None leaves before all have finished, so that no last state
    // has to wait behind a million closes. Throws GameOver.
    c10k::Task<> play(c10k::Endpoint worker_endpoint);

    [[nodiscard]] const Progress& progress() const noexcept { return progress_; }
    // Says what the players wait for, such as "waiting for the server's 'run'"; empty while the game goes on.
    [[nodiscard]] std::string awaited() const;
    // The last state each cell has sent. Requires: play() has ended.
    [[nodiscard]] const Grid& grid() const noexcept { return grid_; }

private:
    // Plays the cells of one loop: one row out of every `loops`.
    c10k::Task<> play_on_loop(c10k::Endpoint server, std::size_t loop);
    c10k::Task<> connect_cell(c10k::Endpoint server, Position position, c10k::Semaphore& leaving);
    c10k::Task<> play_cell(c10k::WebSocket& socket, Position position, c10k::Semaphore& leaving);
    // Returns how many neighbours it has.
    c10k::Task<std::size_t> subscribe(c10k::WebSocket& socket, Position position);
    c10k::Task<> play_steps(c10k::WebSocket& socket, Position position, std::size_t neighbour_count);
    // Lets the cells of one loop leave when all of all loops have finished.
    c10k::Task<> let_leave(c10k::Semaphore& leaving);
    // Ends the game when nothing has moved for too long.
    c10k::Task<> watch();
    // The cell that is furthest behind, if any waits for its neighbours.
    [[nodiscard]] std::optional<Position> furthest_behind() const;

    [[nodiscard]] std::size_t cell_count() const noexcept;
    [[nodiscard]] std::size_t index(Position position) const noexcept;
    [[nodiscard]] c10k::Duration pace() const noexcept;

    GameOptions options_;
    Grid grid_;
    Progress progress_;
    Patience patience_;
    // For each cell that waits for its neighbours' states: of which step, counted from 1; else 0.
    std::vector<std::atomic<std::uint64_t>> awaited_;
};

}  // namespace life
