#include "gameoflife/gameoflife.hpp"

#include "flags.hpp"
#include "gameoflife/commands.hpp"
#include "gameoflife/control_client.hpp"
#include "gameoflife/pattern.hpp"
#include "gameoflife/report.hpp"
#include "patience.hpp"
#include "slow.hpp"

#include <c10k/text.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::string_view GameOfLife::help() const noexcept {
    return "Play the Game of Life with one WebSocket client per cell.\n"
           "Needs a running server (manage runserver); watch at http://127.0.0.1:8000/\n"
           "\n"
           "The page can pause the game, hold a cell, change the speed and begin new games, if the server lets it\n"
           "(its setting life_control). So this program plays until it is interrupted, or with --steps to that step;\n"
           "with --stay it then waits for the next game.\n"
           "\n"
           "Try: manage gameoflife --size 64 --pattern gosper --speed 10\n"
           "     manage gameoflife --size 64 --speed 10 --jitter 0.5     waves, as some cells are slower\n"
           "     manage gameoflife --steps 100 --speed 0 --verify        checks every state that is sent";
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
    options.flag("--stay", stays_, "After the last step, keep the connections and wait for the page's next game");
    options.decimal("-l,--speed", speed_, "At most so many steps per second, 0 = no limit");
    options.decimal("--jitter", jitter_,
                    "How much slower the slowest cells are, from 0 to 1 (twice the time for a step): waves show");
    options.text("-u,--url", url_, "URL of the server");
    options
        .text("--ca", endpoint_.ca_file,
              "For wss://: a file with the certificate of the authority to trust, instead of the system's")
        .type("FILE")
        .not_empty();
    spread_.declare_options(options);
    options.number("--seed", seed_, "Makes the random start and the jitter repeatable");
    options.text("--dump", dump_, "At the end, write the whole grid to this file as RLE").type("FILE").not_empty();
    options.flag("--verify", verifies_,
                 "Check every state that a cell sends against the rule; ends with the first cell and step that differ");
}

void GameOfLife::check_options() {
    if (size_ < 1 || size_ > kMaxSize) {
        throw CommandError("--size must be from 1 to " + std::to_string(kMaxSize));
    }
    if (!Pace::is_speed(speed_)) {
        throw CommandError("--speed must be from 0.000001 to 1000000000 steps per second, or 0");
    }
    if (!(jitter_ >= 0 && jitter_ <= 1)) {
        throw CommandError("--jitter must be from 0 (all cells have one pace) to 1 (some take twice the time)");
    }
    if (const std::string why = refusal(size_, edges(), Room::available(connections())); !why.empty()) {
        throw CommandError(why);
    }
    if (url_.find_first_of("?#") != std::string::npos) {
        throw CommandError("--url: '" + printable(url_) +
                           "' is not the URL of a server: write it without a query, such as ws://127.0.0.1:8000");
    }
    if (!dump_.empty()) {
        check_dump();
    }
    while (url_.ends_with('/')) {
        url_.pop_back();
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

Start GameOfLife::first_start() {
    const bool is_random = pattern_.empty();
    if (!seed_ && (is_random || jitter_ > 0)) {
        seed_ = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    }
    if (seed_ && (is_random || jitter_ > 0)) {
        std::printf("%s, seed %llu\n", is_random ? "Random start" : "Jitter", static_cast<unsigned long long>(*seed_));
    }
    if (is_random) {
        return {Grid::random(size_, *seed_), edges()};
    }
    Grid grid{size_};
    const Pattern pattern = load_pattern(pattern_, patterns_folder());
    for (const std::string& warning : pattern.warnings) {
        std::fprintf(stderr, "Warning: %s\n", printable(warning).c_str());
    }
    grid.place(pattern, top_left_ ? Placement::kTopLeft : Placement::kCentred);
    return {std::move(grid), edges(), pattern.shipped_name};
}

Task<> GameOfLife::reset_server(int size) {
    const Endpoint endpoint{url_ + "/reset/", endpoint_};
    bool is_asked = false;
    const auto awaited = [&] {
        return "Waiting for " + printable(endpoint.url()) + ": " +
               (is_asked ? "it has not begun a new game yet" : "it has not answered the opening handshake yet");
    };
    const auto reset = [this, size, &is_asked](WebSocket& socket) -> Task<> {
        co_await socket.send(std::to_string(size));
        is_asked = true;
        co_await socket.closed();
        if (const CloseInfo& info = socket.close_info(); info.code != CloseCode::kNormal) {
            throw CommandError("the server at " + url_ + " did not begin a new game: it closed with " +
                               std::to_string(info.code) + " " + printable(info.reason));
        }
    };
    co_await say_if_slow(connect(endpoint, reset), awaited);
}

void GameOfLife::save(const Grid& grid, Edges edges) const {
    std::ofstream file{dump_};
    file << to_rle(grid, edges);
    file.close();
    if (!file) {
        throw CommandError("cannot write " + dump_);
    }
}

GameOptions GameOfLife::options_for(const Start& start) const {
    GameOptions options;
    options.edges = start.edges;
    options.steps = steps_;
    options.steps_per_second = speed_;
    options.jitter = jitter_;
    options.seed = seed_.value_or(0);
    options.loops = spread_.loops();
    options.connections = connections();
    options.stays = stays_;
    options.verifies = verifies_;
    if (!dump_.empty()) {
        options.on_over = [this, edges = start.edges](const Grid& last) { save(last, edges); };
    }
    return options;
}

Task<std::optional<Start>> GameOfLife::play(Start& start) {
    Players players{start.grid, options_for(start)};
    Commands commands{players, start};
    ControlClient control{url_, endpoint_, commands};
    Departure departure;
    EndpointOptions worker = Patience::with_no_other_limit(endpoint_);
    worker.http2 = spread_.http2();
    if (const std::string sharing = spread_.sharing(players.cell_count()); !sharing.empty()) {
        std::puts(sharing.c_str());
    }
    worker.on_closed = [&departure](Duration took) { departure.note(took); };
    const Endpoint workers = spread_.endpoint(Endpoint{url_ + "/worker/", std::move(worker)}, players.cell_count());
    co_await reset_server(start.grid.size());  // this ends the game of others, so every argument has to be right first
    const auto began = std::chrono::steady_clock::now();
    co_await task_group([&](TaskGroup& all) -> Task<> {
        all.spawn(report(players, departure));
        all.spawn(control.run());
        co_await players.play(workers);
        all.stop();
    });
    speed_ = players.pace().speed();
    if (std::optional<Start> next = std::move(commands.next())) {
        co_return next;
    }
    if (const Verifier* const verifier = players.verifier()) {
        std::printf("All states were right: %llu steps, hash of the last %016llx\n",
                    static_cast<unsigned long long>(verifier->verified() - 1),
                    static_cast<unsigned long long>(verifier->hash()));
    }
    std::printf("%zu connections closed, the slowest in %.2f s\n", departure.count(), seconds(departure.slowest()));
    std::printf("%llu steps of %zu cells in %.1f s\n", static_cast<unsigned long long>(*steps_), players.cell_count(),
                seconds(std::chrono::steady_clock::now() - began));
    co_return std::nullopt;
}

Task<> GameOfLife::run() {
    check_options();
    const Endpoint server{url_, endpoint_};  // an error names the URL without /reset/ behind it
    std::optional<Start> start = first_start();
    while (start) {
        start = co_await play(*start);
    }
}

}  // namespace life
