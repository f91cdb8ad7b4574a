#pragma once

#include "gameoflife/condition.hpp"
#include "gameoflife/grid.hpp"
#include "gameoflife/pace.hpp"
#include "gameoflife/start.hpp"
#include "gameoflife/turns.hpp"
#include "gameoflife/verifier.hpp"
#include "patience.hpp"

#include <c10k/client.hpp>
#include <c10k/message.hpp>
#include <c10k/semaphore.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
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
    std::optional<std::uint64_t> steps = {};  // none: for ever
    double steps_per_second = 1.0;            // at most; 0: no limit
    double jitter = 0;                        // see Pace
    std::uint64_t seed = 0;                   // of the jitter
    std::size_t loops = 1;                    // that the cells are spread over
    Connections connections = Connections::kOwn;
    bool stays = false;     // after the last step the cells wait for the next game
    bool verifies = false;  // compares what the cells send with the rule
    // Called when all cells have sent the last step, and heard it of their neighbours: with the last state of each.
    // Thread: that of play().
    std::function<void(const Grid& last)> on_over = {};
};

// Where the players are, all together. Thread: any.
struct Progress {
    std::atomic<std::size_t> connected{0};
    std::atomic<std::size_t> subscribed{0};
    std::atomic<std::uint64_t> states_sent{0};    // of all cells, those of step 0 included
    std::atomic<std::uint64_t> states_before{0};  // those that were sent in games before this one
    std::atomic<std::size_t> finished{0};         // cells that have sent their last state and heard their neighbours'
    std::atomic<bool> is_leaving{false};          // all have finished, and close their connections
};

// All the cells of one game, or of several on the same grid, each with a WebSocket of its own. A cell knows its own
// state and the rule, and learns its neighbours' states only from the server.
class Players {
public:
    Players(const Grid& start, GameOptions options);

    // Connects a worker for each cell and lets them play. None leaves before all have finished, so that no last state
    // has to wait behind a million closes. Throws GameOver, and WrongState if it verifies.
    c10k::Task<> play(c10k::Endpoint worker_endpoint);

    // ---- Commands to the cells that play. Thread: that of play().

    // Whether all cells have begun: until then no other game can begin.
    [[nodiscard]] bool have_begun() const noexcept { return progress_.subscribed == cell_count(); }
    void resume();
    void pause();
    // Requires: the game is paused. Else it does nothing.
    void step(std::uint64_t count);
    void set_speed(double steps_per_second);
    void hold(Position cell);
    void release();
    // Lets the same cells play another game on their connections, once all are at the same step. Requires: a grid of
    // the same size. Throws std::logic_error otherwise.
    void begin(Grid start);
    // Lets all cells leave once they are at the same step.
    void leave();

    [[nodiscard]] const Turns& turns() const noexcept { return turns_; }
    [[nodiscard]] const Pace& pace() const noexcept { return pace_; }
    [[nodiscard]] const GameOptions& options() const noexcept { return options_; }
    // Whether all cells have sent the last step, and wait for another game.
    [[nodiscard]] bool is_over() const noexcept { return is_over_; }
    // With GameOptions::verifies, else null.
    [[nodiscard]] const Verifier* verifier() const noexcept { return verifier_ ? &*verifier_ : nullptr; }

    [[nodiscard]] std::size_t cell_count() const noexcept;
    [[nodiscard]] const Progress& progress() const noexcept { return progress_; }
    // Says what the players wait for, such as "waiting for the server's 'run'"; empty while the game goes on.
    [[nodiscard]] std::string awaited() const;
    // The last state each cell has sent. Requires: play() has ended.
    [[nodiscard]] const Grid& grid() const noexcept { return grid_; }

private:
    // The cells of one loop share this.
    struct Loop {
        Condition turn;  // to send the next state
        c10k::Semaphore leaving{0};
    };
    // One cell in the games. A million cells have one each.
    struct Seat {
        // The neighbours' states of a step, as far as the cell has heard them.
        struct Tally {
            std::uint8_t heard = 0;
            std::uint8_t alive = 0;
        };

        Position cell;
        std::uint8_t neighbours;
        Cell state;
        bool has_finished = false;
        bool leaves = false;
        std::uint32_t game = 0;  // the number of games on these connections that are over
        std::uint64_t step = 0;  // that of `state`
        Turns::Clock::time_point sent = {};
        // A neighbour may be one step ahead, never two: the steps take turns.
        std::array<Tally, 2> tallies = {};

        Tally& tally() noexcept { return tallies[step % 2]; }
    };
    // How long a cell waits for its turn.
    struct Wait {
        c10k::Duration time;
        bool is_on_purpose = true;  // and not for others
    };

    // Plays the cells of one loop: one row out of every `loops`.
    c10k::Task<> play_on_loop(c10k::Endpoint server, std::size_t number);
    c10k::Task<> connect_cell(c10k::Endpoint server, Position position, Loop& loop);
    c10k::Task<> play_cell(c10k::WebSocket& socket, Position position, Loop& loop);
    // Returns how many neighbours it has.
    c10k::Task<std::size_t> subscribe(c10k::WebSocket& socket, Position position);
    c10k::Task<> play_games(c10k::WebSocket& socket, Position position, std::size_t neighbour_count, Loop& loop);
    // What the cell sends now: its state. Throws WrongState.
    c10k::Message next_message(Seat& seat);
    // A neighbour has sent this.
    void hear(Seat& seat, const c10k::Message& message);
    // The cell knows its neighbours' states.
    void take_step(Seat& seat);
    // What the cell does next: waits, or sends its state if that is no time, unless it leaves.
    [[nodiscard]] Wait next_move(Seat& seat);
    // Wakes the cells of one loop after each command, until they leave.
    c10k::Task<> wake_cells(Loop& loop);
    // Begins one game after the other, and lets the cells leave in the end.
    c10k::Task<> lead();
    // Suspends until all cells have finished the game.
    c10k::Task<> game_over();
    void begin_next();
    // Ends the game when nothing has moved for too long.
    c10k::Task<> watch();
    // The cell that is furthest behind, if any waits for its neighbours.
    [[nodiscard]] std::optional<Position> furthest_behind() const;

    [[nodiscard]] std::size_t index(Position position) const noexcept;

    GameOptions options_;
    Grid grid_;
    Pace pace_;
    Turns turns_;
    std::optional<Verifier> verifier_;
    Progress progress_;
    Patience patience_;
    // For each cell that waits for its neighbours' states: of which step, counted from 1; else 0.
    std::vector<std::atomic<std::uint64_t>> awaited_;

    std::optional<Grid> next_;  // begins when all cells have finished
    bool has_to_leave_ = false;
    bool is_over_ = false;
    std::atomic<std::uint32_t> games_over_{0};  // on these connections
    std::atomic<std::uint64_t> commands_{0};    // after each the cells ask for their turn again
};

}  // namespace life
