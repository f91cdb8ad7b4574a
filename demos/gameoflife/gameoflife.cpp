#include "gameoflife/gameoflife.hpp"

#include "flags.hpp"
#include "gameoflife/pattern.hpp"
#include "patience.hpp"
#include "slow.hpp"
#include "status_line.hpp"

#include <c10k/text.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

// At least one step in eleven days: the time between two steps has to fit a Duration.
constexpr double kMinSpeed = 1e-6;
constexpr double kMaxSpeed = 1e9;

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

// Prints where the game is, until it is stopped.
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
        if (const std::string awaited = players.awaited(); !awaited.empty()) {
            text += ", " + awaited;
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

void GameOfLife::declare_options(CommandOptions& options) {
    add_clamped_number(options, "-s,--size", size_, {1, kMaxSize}, "The grid is SIZE x SIZE, one client per cell");
    options
        .text(
            "-p,--pattern", pattern_,
            "Initial state: a file (plain text, .cells, RLE, Life 1.05 or 1.06) or a shipped pattern such as glider or "
            "gosper; without it random, one cell in four alive")
        .type("FILE")
        .not_empty();
    options.flag("-C,--no-center", top_left_, "Put the pattern at the top left instead of the middle");
    options.flag("-W,--no-wrap", flat_, "A flat grid: by default left joins right and top joins bottom");
    options.number(
        "-n,--steps", steps_,
        "Stop after so many steps (0: only connect, subscribe and send the first state); without it for ever");
    options.decimal("-l,--speed", speed_, "At most so many steps per second, 0 = no limit");
    options.text("-u,--url", url_, "URL of the server");
    options
        .text("--ca", endpoint_.ca_file,
              "For wss://: a file with the certificate of the authority to trust, instead of the system's")
        .type("FILE")
        .not_empty();
    spread_.declare_options(options);
    options.number("--seed", seed_, "Makes the random start repeatable");
    options.text("--dump", dump_, "At the end, write the whole grid to this file as RLE").type("FILE").not_empty();
}

void GameOfLife::check_options() const {
    if (size_ < 1 || size_ > kMaxSize) {
        throw CommandError("--size must be from 1 to " + std::to_string(kMaxSize));
    }
    if (speed_ != 0 && (speed_ < kMinSpeed || speed_ > kMaxSpeed)) {
        throw CommandError("--speed must be from 0.000001 to 1000000000 steps per second, or 0");
    }
    if (!flat_ && size_ < kMinWrappedSize) {
        throw CommandError("a wrapped grid needs a size of at least " + std::to_string(kMinWrappedSize) +
                           ": take a larger --size, or --no-wrap");
    }
    const std::size_t cells = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);
    if (cells > connection_limit()) {
        throw CommandError(
            "a grid of size " + std::to_string(size_) + " needs " + std::to_string(cells) +
            " connections, and this process may hold " + std::to_string(connection_limit()) +
            ": take a smaller --size, or raise the limit of open files (ulimit -n); with --backend io_uring that limit "
            "does not matter");
    }
    if (url_.find_first_of("?#") != std::string::npos) {
        throw CommandError("--url: '" + printable(url_) +
                           "' is not the URL of a server: write it without a query, such as ws://127.0.0.1:8000");
    }
    if (!dump_.empty()) {
        check_dump();
    }
}

// Not at the end of a long game.
void GameOfLife::check_dump() const {
    const std::filesystem::path path{dump_};
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
        throw CommandError("--dump: cannot write " + printable(dump_) + ": it is a folder");
    }
    if (!std::filesystem::is_directory(folder, error)) {
        throw CommandError("--dump: cannot write " + printable(dump_) + ": there is no folder " +
                           printable(folder.string()));
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
    const Pattern pattern = load_pattern(pattern_, kPatternsFolder);
    for (const std::string& warning : pattern.warnings) {
        std::fprintf(stderr, "Warning: %s\n", printable(warning).c_str());
    }
    grid.place(pattern, top_left_ ? Placement::kTopLeft : Placement::kCentred);
    return grid;
}

Task<> GameOfLife::reset_server() {
    const Endpoint endpoint{url_ + "/reset/", endpoint_};
    bool is_asked = false;
    const auto awaited = [&] {
        return "Waiting for " + printable(endpoint.url()) + ": " +
               (is_asked ? "it has not begun a new game yet" : "it has not answered the opening handshake yet");
    };
    const auto reset = [this, &is_asked](WebSocket& socket) -> Task<> {
        co_await socket.send(std::to_string(size_));
        is_asked = true;
        co_await socket.closed();
        if (const CloseInfo& info = socket.close_info(); info.code != CloseCode::kNormal) {
            throw CommandError("the server at " + url_ + " did not begin a new game: it closed with " +
                               std::to_string(info.code) + " " + printable(info.reason));
        }
    };
    co_await say_if_slow(connect(endpoint, reset), awaited);
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
    const Endpoint server{url_, endpoint_};  // an error names the URL without /reset/ behind it
    const Grid grid = start();
    GameOptions options;
    options.edges = edges();
    options.steps = steps_;
    options.steps_per_second = speed_;
    options.loops = spread_.loops();
    Players players{grid, options};
    const std::size_t cells = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);

    Departure departure;
    EndpointOptions worker = Patience::with_no_other_limit(endpoint_);
    worker.on_closed = [&departure](Duration took) { departure.note(took); };
    const Endpoint workers = spread_.endpoint(Endpoint{url_ + "/worker/", std::move(worker)}, cells);
    co_await reset_server();  // this ends the game of others, so every argument has to be right first
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
