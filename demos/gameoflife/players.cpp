#include "gameoflife/players.hpp"

#include <c10k/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

// Cells that begin, or leave, in one turn of the loop, which has to read and answer others as well.
constexpr std::size_t kCellsInATurn = 256;

std::string name(Position cell) { return "cell " + std::to_string(cell.row) + ' ' + std::to_string(cell.col); }

[[noreturn]] void throw_closed(Position cell, const CloseInfo& info) {
    std::string text = name(cell) + " cannot go on: its connection was closed with " + std::to_string(info.code);
    if (!info.reason.empty()) {
        text += " (" + printable(info.reason) + ")";
    }
    throw GameOver(text);
}

// "STEP ROW COL STATE"
std::string state_message(std::uint64_t step, Position cell, Cell state) {
    std::string text = std::to_string(step);
    text += ' ';
    text += std::to_string(cell.row);
    text += ' ';
    text += std::to_string(cell.col);
    text += state == Cell::kAlive ? " 1" : " 0";
    return text;
}

struct Update {
    std::uint64_t step = 0;
    bool alive = false;
};

// A neighbour's state. The rule does not care which neighbour it is.
Update parse_update(std::string_view text, Position cell) {
    Update update;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), update.step);
    if (error != std::errc{} || end == text.data() + text.size() || *end != ' ') {
        throw GameOver(name(cell) + " cannot go on: the server sent '" + std::string{text.substr(0, 80)} + "'");
    }
    update.alive = text.back() == '1';
    return update;
}

// These are functions and not part of the coroutines, because a coroutine's frame keeps room for every temporary, such
// as these texts, as long as it lives, and each cell has a frame.
const Message& check_open(const WebSocket& socket, Position cell, const std::optional<Message>& message) {
    if (!message) {
        throw_closed(cell, socket.close_info());
    }
    return *message;
}

void check_step(Position cell, std::uint64_t step, std::uint64_t neighbours_step) {
    if (neighbours_step != step && neighbours_step != step + 1) {
        throw GameOver(name(cell) + " cannot go on: it is at step " + std::to_string(step) +
                       ", and a neighbour at step " + std::to_string(neighbours_step));
    }
}

void check_text(Position cell, const Message& message, std::string_view wanted) {
    if (message != wanted) {
        throw GameOver(name(cell) + " cannot go on: the server sent '" + std::string{message.view().substr(0, 80)} +
                       "' instead of '" + std::string{wanted} + "'");
    }
}

std::string subscription(Position neighbour) {
    return std::to_string(neighbour.row) + ' ' + std::to_string(neighbour.col);
}

Task<> expect(WebSocket& socket, Position cell, std::string_view wanted) {
    const std::optional<Message> message = co_await socket.recv();
    check_text(cell, check_open(socket, cell, message), wanted);
}

}  // namespace

Players::Players(const Grid& start, GameOptions options) : options_(options), grid_(start), awaited_(cell_count()) {}

std::size_t Players::cell_count() const noexcept {
    return static_cast<std::size_t>(grid_.size()) * static_cast<std::size_t>(grid_.size());
}

std::size_t Players::index(Position position) const noexcept {
    return static_cast<std::size_t>(position.row) * static_cast<std::size_t>(grid_.size()) +
           static_cast<std::size_t>(position.col);
}

// The least time between two steps.
Duration Players::pace() const noexcept {
    using Seconds = std::chrono::duration<double>;
    return options_.steps_per_second > 0 ? std::chrono::duration_cast<Duration>(Seconds{1 / options_.steps_per_second})
                                         : Duration::zero();
}

Task<> Players::play(Endpoint worker_endpoint) {
    co_await task_group([&](TaskGroup& all) -> Task<> {
        all.spawn(watch());
        co_await on_loops(options_.loops, [&](std::size_t loop) { return play_on_loop(worker_endpoint, loop); });
        all.stop();
    });
}

Task<> Players::play_on_loop(Endpoint server, std::size_t loop) {
    Semaphore leaving{0};
    co_await task_group([&](TaskGroup& cells) -> Task<> {
        const int rows_apart = static_cast<int>(options_.loops);
        std::size_t count = 0;
        for (int row = static_cast<int>(loop); row < grid_.size(); row += rows_apart) {
            for (int col = 0; col < grid_.size(); ++col) {
                cells.spawn(connect_cell(server, {row, col}, leaving));
                if (++count % kCellsInATurn == 0) {
                    co_await yield();
                }
            }
        }
        co_await let_leave(leaving);
    });
}

Task<> Players::let_leave(Semaphore& leaving) {
    while (progress_.finished < cell_count()) {
        co_await sleep_for(10ms);
    }
    leaving.set_limit(kCellsInATurn);
}

Task<> Players::connect_cell(Endpoint server, Position position, Semaphore& leaving) {
    return connect(std::move(server),
                   [this, position, &leaving](WebSocket& socket) { return play_cell(socket, position, leaving); });
}

Task<> Players::play_cell(WebSocket& socket, Position position, Semaphore& leaving) {
    ++progress_.connected;
    patience_.note_movement();
    try {
        const std::size_t neighbour_count = co_await subscribe(socket, position);
        co_await play_steps(socket, position, neighbour_count);
    } catch (const ConnectionClosed&) {  // as it was to send something
        throw_closed(position, socket.close_info());
    }
    ++progress_.finished;
    const Semaphore::Permit turn = co_await leaving.acquire();
}

Task<std::size_t> Players::subscribe(WebSocket& socket, Position position) {
    co_await expect(socket, position, "sub");
    const std::vector<Position> around = neighbours(position, grid_.size(), options_.edges);
    for (const Position neighbour : around) {
        co_await socket.send(subscription(neighbour));
    }
    co_await socket.send("sub");
    ++progress_.subscribed;
    patience_.note_movement();
    co_return around.size();
}

Task<> Players::play_steps(WebSocket& socket, Position position, std::size_t neighbour_count) {
    co_await expect(socket, position, "run");

    struct Tally {
        std::size_t heard = 0;
        int alive = 0;
    };
    // A neighbour may be one step ahead, never two: the steps take turns.
    std::array<Tally, 2> tallies;
    Cell state = grid_.at(position);
    std::atomic<std::uint64_t>& awaited = awaited_[index(position)];
    for (std::uint64_t step = 0;; ++step) {
        const auto sent = std::chrono::steady_clock::now();
        grid_.set(position, state);
        progress_.states_sent.fetch_add(1, std::memory_order_relaxed);
        co_await socket.send(state_message(step, position, state));
        Tally& tally = tallies[step % 2];
        awaited.store(step + 1, std::memory_order_relaxed);
        while (tally.heard < neighbour_count) {
            const std::optional<Message> message = co_await socket.recv();
            patience_.note_movement();
            const Update update = parse_update(check_open(socket, position, message), position);
            check_step(position, step, update.step);
            Tally& heard = tallies[update.step % 2];
            ++heard.heard;
            heard.alive += update.alive ? 1 : 0;
        }
        awaited.store(0, std::memory_order_relaxed);
        if (options_.steps && step == *options_.steps) {
            co_return;
        }
        state = next_state(state, tally.alive);
        tally = {};
        if (const Duration left = pace() - (std::chrono::steady_clock::now() - sent); left > Duration::zero()) {
            const Patience::Pause pause{patience_};
            co_await sleep_for(left);
        }
    }
}

std::optional<Position> Players::furthest_behind() const {
    std::optional<Position> cell;
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (std::size_t i = 0; i < awaited_.size(); ++i) {
        const std::uint64_t step = awaited_[i].load(std::memory_order_relaxed);
        if (step != 0 && step < least) {
            least = step;
            const auto size = static_cast<std::size_t>(grid_.size());
            cell = {static_cast<int>(i / size), static_cast<int>(i % size)};
        }
    }
    return cell;
}

std::string Players::awaited() const {
    if (progress_.finished == cell_count()) {
        return "";
    }
    if (progress_.states_sent == 0) {
        const std::size_t connected = progress_.connected;
        const std::size_t subscribed = progress_.subscribed;
        if (connected < cell_count()) {
            return "waiting for the server to connect " + std::to_string(cell_count() - connected) + " more";
        }
        return subscribed < cell_count() ? "waiting for the server's 'sub'" : "waiting for the server's 'run'";
    }
    if (!patience_.is_quiet()) {
        return "";
    }
    const std::optional<Position> cell = furthest_behind();
    return cell ? name(*cell) + " waits for its neighbours" : "waiting for the server";
}

Task<> Players::watch() {
    co_await patience_.end();
    const std::string silence = std::to_string(Patience::kSilence.count()) + " s";
    if (const std::optional<Position> cell = furthest_behind()) {
        throw GameOver(name(*cell) + " cannot go on: no word from a neighbour for " + silence);
    }
    if (progress_.finished < cell_count()) {
        throw GameOver("the game does not begin: " + std::to_string(progress_.connected) + " cells are connected, " +
                       std::to_string(progress_.subscribed) + " subscribed, and nothing has moved for " + silence);
    }
    // All cells leave now; their connections limit by themselves how long that takes.
}

}  // namespace life
