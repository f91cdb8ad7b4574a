#include "gameoflife/commands.hpp"

#include "gameoflife/pattern.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace life {

using namespace c10k;
using nlohmann::json;

namespace {

// Null if `object` has no such member.
const json& member(const json& object, const char* name) {
    static const json kNothing;
    const auto found = object.find(name);
    return found == object.end() ? kNothing : *found;
}

std::uint64_t whole_number(const json& value, std::uint64_t max, const std::string& name) {
    const bool fits = value.is_number_unsigned() && value.get<std::uint64_t>() <= max;
    if (!fits) {
        throw CommandRefused(name + " must be a whole number from 0 to " + std::to_string(max));
    }
    return value.get<std::uint64_t>();
}

bool truth(const json& value, bool if_missing, const std::string& name) {
    if (!value.is_null() && !value.is_boolean()) {
        throw CommandRefused(name + " must be true or false");
    }
    return value.is_null() ? if_missing : value.get<bool>();
}

double speed_of(const json& value) {
    const double speed = value.is_number() ? value.get<double>() : -1;
    if (!Pace::is_speed(speed)) {
        throw CommandRefused("the speed must be from 0.000001 to 1000000000 steps per second, or 0 for no limit");
    }
    return speed;
}

Grid soup(const json& random, int size) {
    const json& given = member(random, "density");
    const double density = given.is_null() ? 0.25 : given.is_number() ? given.get<double>() : -1;
    if (!(density >= 0 && density <= 1)) {
        throw CommandRefused("the density must be from 0 to 1, such as 0.25");
    }
    const json& seed = member(random, "seed");
    if (seed.is_null()) {
        const auto now = std::chrono::system_clock::now().time_since_epoch().count();
        return Grid::random(size, static_cast<std::uint64_t>(now), density);
    }
    return Grid::random(size, whole_number(seed, std::numeric_limits<std::uint64_t>::max(), "the seed"), density);
}

Grid grid_with(const Pattern& pattern, int size, Placement placement) {
    if (const int needed = std::max(pattern.width, pattern.height); needed > size) {
        throw CommandRefused("the pattern has " + std::to_string(pattern.width) + " columns and " +
                             std::to_string(pattern.height) + " rows, which do not fit on a grid of size " +
                             std::to_string(size) + ": take a size of at least " + std::to_string(needed));
    }
    Grid grid{size};
    grid.place(pattern, placement);
    return grid;
}

}  // namespace

void Commands::run(const json& command) {
    struct Row {
        const char* name;
        void (Commands::*run)(const json& argument);
    };
    static constexpr std::array<Row, 8> kRows{{
        {"play", &Commands::resume},
        {"pause", &Commands::pause},
        {"step", &Commands::step},
        {"speed", &Commands::set_speed},
        {"hold", &Commands::hold},
        {"release", &Commands::release},
        {"again", &Commands::again},
        {"new", &Commands::begin},
    }};
    for (const Row& row : kRows) {
        if (command.is_object() && command.contains(row.name)) {
            require_cells();
            (this->*row.run)(command[row.name]);
            return;
        }
    }
    throw CommandRefused(
        "the program has no such command: send one of play, pause, step, speed, hold, release, again and new");
}

// ---- When a command makes sense

void Commands::require_cells() const {
    if (!players_.have_begun()) {
        throw CommandRefused("the cells are still connecting: wait until the game runs");
    }
    if (players_.progress().is_leaving) {
        throw CommandRefused("the game is over, and its cells leave: start the program with --stay for another");
    }
    if (next_) {
        throw CommandRefused("the cells leave for another game: wait until it runs");
    }
}

void Commands::require_game() const {
    if (players_.is_over()) {
        throw CommandRefused("the game is over: play it again, or begin a new one");
    }
    if (players_.turns().is_ending()) {
        throw CommandRefused("another game is about to begin: wait until it runs");
    }
}

// ---- The commands

void Commands::resume(const json& /*argument*/) {
    require_game();
    players_.resume();
}

void Commands::pause(const json& /*argument*/) {
    require_game();
    players_.pause();
}

void Commands::step(const json& count) {
    require_game();
    const std::uint64_t steps = whole_number(count, Turns::kMaxSteps, "the number of steps");
    if (!players_.turns().is_paused()) {
        throw CommandRefused("only a paused game goes on step by step: pause it first");
    }
    players_.step(steps);
}

void Commands::set_speed(const json& speed) { players_.set_speed(speed_of(speed)); }

void Commands::hold(const json& cell) {
    require_game();
    if (!cell.is_array() || cell.size() != 2) {
        throw CommandRefused("a cell is its row and its column, such as [12, 7]");
    }
    const auto last = static_cast<std::uint64_t>(players_.grid().size()) - 1;
    const Position position{static_cast<int>(whole_number(cell[0], last, "the cell's row")),
                            static_cast<int>(whole_number(cell[1], last, "the cell's column"))};
    players_.hold(position);
    held_since_ = Clock::now();
}

void Commands::release(const json& /*argument*/) { players_.release(); }

void Commands::again(const json& /*argument*/) { players_.begin(start_.grid); }

void Commands::begin(const json& wanted) {
    if (!wanted.is_object()) {
        throw CommandRefused("'new' must be an object such as {\"size\": 64, \"pattern\": \"gosper\"}");
    }
    const json& speed = member(wanted, "speed");
    const double steps_per_second = speed.is_null() ? players_.pace().speed() : speed_of(speed);
    Start start = start_of(wanted);
    players_.set_speed(steps_per_second);
    if (start.grid.size() == start_.grid.size() && start.edges == start_.edges) {
        players_.begin(start.grid);
        start_ = std::move(start);
    } else {
        players_.leave();
        next_ = std::move(start);
    }
}

Start Commands::start_of(const json& wanted) const {
    const json& side = member(wanted, "size");
    const int size = side.is_null() ? start_.grid.size() : static_cast<int>(whole_number(side, kMaxSize, "the size"));
    const bool is_wrapped = truth(member(wanted, "wrapped"), start_.edges == Edges::kWrapped, "'wrapped'");
    const Edges edges = is_wrapped ? Edges::kWrapped : Edges::kFlat;
    if (const std::string why = refusal(size, edges, Room::available(players_.options().connections)); !why.empty()) {
        throw CommandRefused(why);
    }
    const bool is_centred = truth(member(wanted, "centered"), true, "'centered'");
    const Placement placement = is_centred ? Placement::kCentred : Placement::kTopLeft;
    try {
        if (const json& text = member(wanted, "rle"); text.is_string()) {
            const Pattern pattern = parse_pattern(text.get_ref<const std::string&>(), "the pattern");
            return {grid_with(pattern, size, placement), edges};
        }
        if (const json& name = member(wanted, "pattern"); name.is_string()) {
            const Pattern pattern = load_shipped_pattern(name.get_ref<const std::string&>(), patterns_folder());
            return {grid_with(pattern, size, placement), edges, pattern.shipped_name};
        }
    } catch (const PatternError& error) {
        throw CommandRefused(error.what());
    }
    if (const json& random = member(wanted, "random"); random.is_object()) {
        return {soup(random, size), edges};
    }
    throw CommandRefused("a new game needs its start: 'rle' (a pattern's text), 'pattern' (a name) or 'random'");
}

// ---- What the program says of itself

json Commands::game() const {
    const std::optional<std::uint64_t> limit = players_.options().steps;
    return json_object("size", start_.grid.size(), "wrapped", start_.edges == Edges::kWrapped, "limit",
                       limit ? json(*limit) : json());
}

json Commands::play() const {
    json held;
    if (const std::optional<Position> cell = players_.turns().held()) {
        const double seconds = std::chrono::duration<double>(Clock::now() - held_since_).count();
        held = json_object("row", cell->row, "col", cell->col, "seconds", std::round(seconds * 10) / 10);
    }
    return json_object("paused", players_.turns().is_paused(), "speed", players_.pace().speed(), "held", held, "stays",
                       players_.options().stays || !players_.options().steps, "jitter", players_.pace().jitter(),
                       "pattern", start_.pattern.empty() ? json() : json(start_.pattern));
}

}  // namespace life
