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

// How soon the cells hear of a command, and of the end of a game.
constexpr Duration kAttention = 10ms;

std::string name(Position cell) { return "cell " + std::to_string(cell.row) + ' ' + std::to_string(cell.col); }

[[noreturn]] void throw_closed(Position cell, const CloseInfo& info) {
    std::string text = name(cell) + " cannot go on: its connection was closed with " + std::to_string(info.code);
    if (!info.reason.empty()) {
        text += " (" + printable(info.reason) + ")";
    }
    throw GameOver(text);
}

// "STEP ROW COL STATE"
Message state_message(std::uint64_t step, Position cell, Cell state) {
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

Players::Players(const Grid& start, GameOptions options)
    : options_(std::move(options)), grid_(start),
      pace_(start.size(), options_.steps_per_second, options_.jitter, options_.seed), turns_(pace_, options_.steps),
      awaited_(cell_count()) {
    if (options_.verifies) {
        verifier_.emplace(start, options_.edges);
    }
}

std::size_t Players::cell_count() const noexcept {
    return static_cast<std::size_t>(grid_.size()) * static_cast<std::size_t>(grid_.size());
}

std::size_t Players::index(Position position) const noexcept {
    return static_cast<std::size_t>(position.row) * static_cast<std::size_t>(grid_.size()) +
           static_cast<std::size_t>(position.col);
}

// ---- Commands

void Players::resume() {
    turns_.play();
    ++commands_;
}

void Players::pause() {
    turns_.pause();
    ++commands_;
}

void Players::step(std::uint64_t count) {
    turns_.step(count);
    ++commands_;
}

void Players::set_speed(double steps_per_second) {
    pace_.set_speed(steps_per_second);
    ++commands_;
}

void Players::hold(Position cell) {
    turns_.hold(cell);
    ++commands_;
}

void Players::release() {
    turns_.release();
    ++commands_;
}

void Players::begin(Grid start) {
    if (start.size() != grid_.size()) {
        throw std::logic_error("begin(): the grid has another size");
    }
    next_ = std::move(start);
    turns_.end();
    ++commands_;
}

void Players::leave() {
    has_to_leave_ = true;
    turns_.end();
    ++commands_;
}

// ---- The games

Task<> Players::play(Endpoint worker_endpoint) {
    co_await task_group([&](TaskGroup& all) -> Task<> {
        all.spawn(watch());
        all.spawn(lead());
        co_await on_loops(options_.loops, [&](std::size_t loop) { return play_on_loop(worker_endpoint, loop); });
        all.stop();
    });
}

Task<> Players::play_on_loop(Endpoint server, std::size_t number) {
    Loop loop;
    co_await task_group([&](TaskGroup& cells) -> Task<> {
        const int rows_apart = static_cast<int>(options_.loops);
        std::size_t count = 0;
        for (int row = static_cast<int>(number); row < grid_.size(); row += rows_apart) {
            for (int col = 0; col < grid_.size(); ++col) {
                cells.spawn(connect_cell(server, {row, col}, loop));
                if (++count % kCellsInATurn == 0) {
                    co_await yield();
                }
            }
        }
        co_await wake_cells(loop);
    });
}

Task<> Players::wake_cells(Loop& loop) {
    std::uint64_t seen = 0;
    for (bool are_leaving = false; !are_leaving;) {
        co_await sleep_for(kAttention);
        are_leaving = progress_.is_leaving;
        const std::uint64_t before = std::exchange(seen, commands_.load());
        if (seen == before && !are_leaving) {
            continue;
        }
        for (std::size_t left = loop.turn.waiting(); left > 0; left -= std::min(left, kCellsInATurn)) {
            loop.turn.notify(kCellsInATurn);
            co_await yield();
        }
    }
    loop.leaving.set_limit(kCellsInATurn);
}

Task<> Players::lead() {
    for (;;) {
        co_await game_over();
        if (!next_ && !has_to_leave_) {
            if (options_.on_over) {
                options_.on_over(grid_);
            }
            is_over_ = true;
            const Patience::Pause pause{patience_};
            while (options_.stays && !next_ && !has_to_leave_) {
                co_await sleep_for(kAttention);
            }
            is_over_ = false;
        }
        if (!next_) {
            break;
        }
        begin_next();
    }
    progress_.is_leaving = true;
    ++commands_;
}

Task<> Players::game_over() {
    while (progress_.finished < cell_count()) {
        co_await sleep_for(kAttention);
    }
}

// No cell sends or receives anything now: all of them wait for the next game.
void Players::begin_next() {
    grid_ = *std::exchange(next_, std::nullopt);
    if (verifier_) {
        verifier_->begin(grid_);
    }
    turns_.begin();
    progress_.states_before = progress_.states_sent.load();
    progress_.finished = 0;
    ++games_over_;
    ++commands_;
}

Task<> Players::connect_cell(Endpoint server, Position position, Loop& loop) {
    return connect(std::move(server),
                   [this, position, &loop](WebSocket& socket) { return play_cell(socket, position, loop); });
}

Task<> Players::play_cell(WebSocket& socket, Position position, Loop& loop) {
    ++progress_.connected;
    patience_.note_movement();
    try {
        const std::size_t neighbour_count = co_await subscribe(socket, position);
        co_await play_games(socket, position, neighbour_count, loop);
    } catch (const ConnectionClosed&) {  // as it was to send something
        throw_closed(position, socket.close_info());
    }
    const Semaphore::Permit turn = co_await loop.leaving.acquire();
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

Task<> Players::play_games(WebSocket& socket, Position position, std::size_t neighbour_count, Loop& loop) {
    co_await expect(socket, position, "run");
    Seat seat{.cell = position, .neighbours = static_cast<std::uint8_t>(neighbour_count), .state = grid_.at(position)};
    while (!seat.leaves) {
        co_await socket.send(next_message(seat));
        while (seat.tally().heard < seat.neighbours) {
            const std::optional<Message> message = co_await socket.recv();
            hear(seat, check_open(socket, position, message));
        }
        take_step(seat);
        for (Wait wait = next_move(seat); wait.time > Duration::zero(); wait = next_move(seat)) {
            std::optional<Patience::Pause> pause;
            if (wait.is_on_purpose) {
                pause.emplace(patience_);
            }
            if (!co_await loop.turn.wait_for(wait.time)) {
                seat.sent = {};  // long enough ago
            }
        }
    }
}

Message Players::next_message(Seat& seat) {
    seat.sent = Turns::Clock::now();
    grid_.set(seat.cell, seat.state);
    progress_.states_sent.fetch_add(1, std::memory_order_relaxed);
    if (verifier_) {
        verifier_->note(seat.step, seat.cell, seat.state);
    }
    awaited_[index(seat.cell)].store(seat.step + 1, std::memory_order_relaxed);
    return state_message(seat.step, seat.cell, seat.state);
}

void Players::hear(Seat& seat, const Message& message) {
    patience_.note_movement();
    const Update update = parse_update(message, seat.cell);
    check_step(seat.cell, seat.step, update.step);
    Seat::Tally& tally = seat.tallies[update.step % 2];
    if (tally.heard == seat.neighbours) {
        throw GameOver(name(seat.cell) + " cannot go on: the server sent more states of step " +
                       std::to_string(update.step) + " than the cell has neighbours");
    }
    ++tally.heard;
    tally.alive += update.alive ? 1 : 0;
}

void Players::take_step(Seat& seat) {
    awaited_[index(seat.cell)].store(0, std::memory_order_relaxed);
    seat.state = next_state(seat.state, seat.tally().alive);
    seat.tally() = {};
    ++seat.step;
}

Players::Wait Players::next_move(Seat& seat) {
    if (!seat.has_finished) {
        if (const std::optional<Duration> time = turns_.wait_before(seat.step, seat.cell, seat.sent)) {
            return {*time};
        }
        seat.has_finished = true;
        ++progress_.finished;
        patience_.note_movement();
    }
    if (const std::uint32_t games_over = games_over_; games_over != seat.game) {
        seat = {.cell = seat.cell, .neighbours = seat.neighbours, .state = grid_.at(seat.cell), .game = games_over};
        return {Duration::zero()};
    }
    if (progress_.is_leaving) {
        seat.leaves = true;
        return {Duration::zero()};
    }
    return {.time = Turns::kUntilCommand, .is_on_purpose = false};
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
        return is_over_ ? "waiting for the next game" : "";
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
