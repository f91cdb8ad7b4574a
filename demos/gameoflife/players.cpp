#include "gameoflife/players.hpp"

#include <c10k/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

// More at once would only wait in the server's backlog.
constexpr std::size_t kConnectingAtOnce = 256;

constexpr std::chrono::milliseconds kPatience = 30s;

std::int64_t now_ms() {
    using std::chrono::steady_clock;
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count();
}

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

// What a neighbour says: which of the neighbours does not matter to the rule.
Update parse_update(std::string_view text, Position cell) {
    Update update;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), update.step);
    if (error != std::errc{} || end == text.data() + text.size() || *end != ' ') {
        throw GameOver(name(cell) + " cannot go on: the server sent '" + std::string{text.substr(0, 80)} + "'");
    }
    update.alive = text.back() == '1';
    return update;
}

Task<> expect(WebSocket& socket, Position cell, std::string_view wanted) {
    const std::optional<Message> message = co_await socket.recv();
    if (!message) {
        throw_closed(cell, socket.close_info());
    }
    if (*message != wanted) {
        throw GameOver(name(cell) + " cannot go on: the server sent '" + std::string{message->view().substr(0, 80)} +
                       "' instead of '" + std::string{wanted} + "'");
    }
}

}  // namespace

Players::Players(const Grid& start, GameOptions options)
    : options_(options), grid_(start), connecting_(options.loops),
      waiting_since_(static_cast<std::size_t>(start.size()) * static_cast<std::size_t>(start.size())) {}

std::size_t Players::index(Position position) const noexcept {
    return static_cast<std::size_t>(position.row) * static_cast<std::size_t>(grid_.size()) +
           static_cast<std::size_t>(position.col);
}

std::size_t Players::loop_of(Position position) const noexcept {
    return static_cast<std::size_t>(position.row) % options_.loops;
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
        co_await on_loops(options_.loops, [&](std::size_t loop) { return connect_cells(worker_endpoint, loop); });
        all.stop();
    });
}

Task<> Players::connect_cells(Endpoint server, std::size_t loop) {
    co_await task_group([&](TaskGroup& cells) -> Task<> {
        const int rows_apart = static_cast<int>(options_.loops);
        for (int row = static_cast<int>(loop); row < grid_.size(); row += rows_apart) {
            for (int col = 0; col < grid_.size(); ++col) {
                while (connecting_[loop] >= kConnectingAtOnce) {
                    co_await sleep_for(1ms);
                }
                ++connecting_[loop];
                cells.spawn(connect_cell(server, {row, col}));
            }
        }
    });
}

Task<> Players::connect_cell(Endpoint server, Position position) {
    return connect(std::move(server), [this, position](WebSocket& socket) { return play_cell(socket, position); });
}

Task<> Players::play_cell(WebSocket& socket, Position position) {
    --connecting_[loop_of(position)];
    ++progress_.connected;
    try {
        const std::vector<Position> around = neighbours(position, grid_.size(), options_.edges);
        co_await subscribe(socket, position, around);
        co_await play_steps(socket, position, around.size());
    } catch (const ConnectionClosed&) {  // as it was to send something
        throw_closed(position, socket.close_info());
    }
}

Task<> Players::subscribe(WebSocket& socket, Position position, std::span<const Position> around) {
    co_await expect(socket, position, "sub");
    for (const Position neighbour : around) {
        co_await socket.send(std::to_string(neighbour.row) + ' ' + std::to_string(neighbour.col));
    }
    co_await socket.send("sub");
    ++progress_.subscribed;
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
    std::atomic<std::int64_t>& waiting_since = waiting_since_[index(position)];
    for (std::uint64_t step = 0;; ++step) {
        const auto sent = std::chrono::steady_clock::now();
        grid_.set(position, state);
        progress_.states_sent.fetch_add(1, std::memory_order_relaxed);
        co_await socket.send(state_message(step, position, state));
        if (options_.steps && step == *options_.steps) {
            co_return;
        }
        Tally& tally = tallies[step % 2];
        while (tally.heard < neighbour_count) {
            waiting_since.store(now_ms(), std::memory_order_relaxed);
            const std::optional<Message> message = co_await socket.recv();
            if (!message) {
                throw_closed(position, socket.close_info());
            }
            const Update update = parse_update(*message, position);
            if (update.step != step && update.step != step + 1) {
                throw GameOver(name(position) + " cannot go on: it is at step " + std::to_string(step) +
                               ", and a neighbour at step " + std::to_string(update.step));
            }
            Tally& heard = tallies[update.step % 2];
            ++heard.heard;
            heard.alive += update.alive ? 1 : 0;
        }
        waiting_since.store(0, std::memory_order_relaxed);
        state = next_state(state, tally.alive);
        tally = {};
        if (const Duration left = pace() - (std::chrono::steady_clock::now() - sent); left > Duration::zero()) {
            co_await sleep_for(left);
        }
    }
}

Task<> Players::watch() {
    // A neighbour that keeps the pace may be silent for as long as a step takes.
    const std::int64_t patience_ms = kPatience.count() + std::chrono::ceil<std::chrono::milliseconds>(pace()).count();
    std::size_t last_ready = 0;
    std::int64_t last_change = now_ms();
    for (;;) {
        co_await sleep_for(1s);
        const std::int64_t now = now_ms();
        for (std::size_t i = 0; i < waiting_since_.size(); ++i) {
            const std::int64_t since = waiting_since_[i].load(std::memory_order_relaxed);
            if (since != 0 && now - since > patience_ms) {
                const auto size = static_cast<std::size_t>(grid_.size());
                throw GameOver(name({static_cast<int>(i / size), static_cast<int>(i % size)}) +
                               " cannot go on: no word from a neighbour for " + std::to_string(patience_ms / 1000) +
                               " s");
            }
        }
        if (const std::size_t ready = progress_.connected + progress_.subscribed; ready != last_ready) {
            last_ready = ready;
            last_change = now;
        }
        if (progress_.states_sent == 0 && now - last_change > patience_ms) {
            throw GameOver("the game does not begin: " + std::to_string(progress_.connected) +
                           " cells are connected, " + std::to_string(progress_.subscribed) +
                           " subscribed, and nothing has moved for " + std::to_string(patience_ms / 1000) + " s");
        }
    }
}

}  // namespace life
