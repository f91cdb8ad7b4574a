#include "gameoflife/gameoflife.hpp"

#include "gameoflife/pattern.hpp"
#include "patience.hpp"
#include "status_line.hpp"

#include <CLI/CLI.hpp>
#include <c10k/text.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

const std::filesystem::path kPatternsFolder = std::filesystem::path{C10K_DEMOS_DIR} / "gameoflife/patterns";

// How the cells leave. Thread: any.
class Departure {
public:
    // One has, in this time.
    void note(Duration took) noexcept {
        ++count_;
        std::int64_t slowest = slowest_;
        while (took.count() > slowest && !slowest_.compare_exchange_weak(slowest, took.count())) {
        }
    }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    // Of a single one, from its close frame to the end of its connection.
    [[nodiscard]] Duration slowest() const noexcept { return Duration{slowest_}; }

private:
    std::atomic<std::size_t> count_{0};
    std::atomic<std::int64_t> slowest_{0};
};

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// Says where the game is until it is stopped.
Task<> report(const Players& players, const Departure& departure, std::size_t cells) {
    StatusLine line;
    std::uint64_t last_states = 0;
    auto last_time = std::chrono::steady_clock::now();
    for (;;) {
        co_await sleep_for(line.interval());
        const Progress& progress = players.progress();
        std::string text;
        if (progress.finished == cells) {
            text = std::to_string(departure.count()) + " of " + std::to_string(cells) + " workers have left";
        } else if (progress.states_sent > 0) {
            const auto now = std::chrono::steady_clock::now();
            const double rate = static_cast<double>(progress.states_sent - last_states) / static_cast<double>(cells) /
                                seconds(now - last_time);
            last_states = progress.states_sent;
            last_time = now;
            char buffer[96];
            std::snprintf(buffer, sizeof buffer, "step %llu, %.1f steps/s",
                          static_cast<unsigned long long>((progress.states_sent - 1) / cells), rate);
            text = buffer;
        } else {
            text = std::to_string(progress.connected) + " of " + std::to_string(cells) + " workers connected, " +
                   std::to_string(progress.subscribed) + " subscribed";
        }
        line.show(text);
    }
}

}  // namespace

std::string_view GameOfLife::help() const noexcept {
    return "Play the Game of Life with one WebSocket client per cell.\n"
           "Needs a running server (manage runserver); watch at http://127.0.0.1:8000/\n"
           "Try: manage gameoflife --size 64 --pattern gosper --speed 10";
}

void GameOfLife::add_options(CLI::App& options) {
    options.add_option("-s,--size", size_, "The grid is SIZE x SIZE, one client per cell")->capture_default_str();
    options.add_option(
        "-p,--pattern", pattern_,
        "Initial state: a file (plain text, .cells, RLE, Life 1.06) or a shipped pattern such as glider or "
        "gosper; without it random, one cell in four alive");
    options.add_flag("-C,--no-center", top_left_, "Put the pattern at the top left instead of the middle");
    options.add_flag("-W,--no-wrap", flat_, "A flat grid: by default left joins right and top joins bottom");
    options
        .add_option(
            "-n,--steps", steps_,
            "Stop after so many steps (0: only connect, subscribe and send the first state); without it for ever")
        ->check(CLI::NonNegativeNumber);
    options.add_option("-l,--speed", speed_, "At most so many steps per second, 0 = no limit")->capture_default_str();
    options.add_option("-u,--url", url_, "Where the server is")->capture_default_str();
    options.add_option("--ca", endpoint_.ca_file,
                       "For wss://: a file with the certificate of the authority to trust, instead of the system's");
    spread_.add_options(options);
    options.add_option("--seed", seed_, "Makes the random start repeatable")->check(CLI::NonNegativeNumber);
    options.add_option("--dump", dump_, "At the end, write the whole grid to this file as RLE");
}

void GameOfLife::check_options() const {
    if (size_ < 1 || size_ > kMaxSize) {
        throw CommandError("--size must be from 1 to " + std::to_string(kMaxSize));
    }
    if (!flat_ && size_ < kMinWrappedSize) {
        throw CommandError("a wrapped grid needs a size of at least " + std::to_string(kMinWrappedSize) +
                           ": take a larger --size, or --no-wrap");
    }
    if (!std::isfinite(speed_) || speed_ < 0) {
        throw CommandError("--speed must be 0 or more steps per second");
    }
    const std::size_t cells = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);
    if (cells > connection_limit()) {
        throw CommandError(
            "a grid of size " + std::to_string(size_) + " needs " + std::to_string(cells) +
            " connections, and this process may hold " + std::to_string(connection_limit()) +
            ": take a smaller --size, or raise the limit of open files (ulimit -n); with --backend io_uring that limit "
            "does not matter");
    }
}

Grid GameOfLife::start() {
    if (pattern_.empty()) {
        if (!seed_) {
            seed_ = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
        }
        std::printf("Random start, seed %llu\n", static_cast<unsigned long long>(*seed_));
        return Grid::random(size_, *seed_);
    }
    Grid grid{size_};
    grid.place(load_pattern(pattern_, kPatternsFolder), top_left_ ? Placement::kTopLeft : Placement::kCentred);
    return grid;
}

Task<> GameOfLife::reset_server() {
    const Endpoint endpoint{url_ + "/reset/", endpoint_};
    co_await connect(endpoint, [this](WebSocket& socket) -> Task<> {
        co_await socket.send(std::to_string(size_));
        co_await socket.closed();
        if (const CloseInfo& info = socket.close_info(); info.code != 1000) {
            throw CommandError("the server at " + url_ + " did not begin a new game: it closed with " +
                               std::to_string(info.code) + " " + printable(info.reason));
        }
    });
}

void GameOfLife::save(const Grid& grid) const {
    std::ofstream file{dump_};
    file << to_rle(grid, edges());
    file.close();
    if (!file) {
        throw CommandError("cannot write " + dump_);
    }
}

Task<> GameOfLife::run() {
    check_options();
    while (url_.ends_with('/')) {
        url_.pop_back();
    }
    const Grid grid = start();
    GameOptions options;
    options.edges = edges();
    options.steps = steps_;
    options.steps_per_second = speed_;
    options.loops = spread_.loops();
    Players players{grid, options};
    const std::size_t cells = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);

    co_await reset_server();
    Departure departure;
    EndpointOptions worker = Patience::with_no_other_limit(endpoint_);
    worker.on_closed = [&departure](Duration took) { departure.note(took); };
    const Endpoint workers = spread_.endpoint(Endpoint{url_ + "/worker/", std::move(worker)}, cells);
    const auto began = std::chrono::steady_clock::now();
    co_await task_group([&](TaskGroup& all) -> Task<> {
        all.spawn(report(players, departure, cells));
        co_await players.play(workers);
        all.stop();
    });
    if (!dump_.empty()) {
        save(players.grid());
    }
    std::printf("%zu connections closed, the slowest in %.2f s\n", departure.count(), seconds(departure.slowest()));
    std::printf("%llu steps of %zu cells in %.1f s\n", static_cast<unsigned long long>(*steps_), cells,
                seconds(std::chrono::steady_clock::now() - began));
}

}  // namespace life
