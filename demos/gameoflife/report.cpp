#include "gameoflife/report.hpp"

#include "status_line.hpp"

#include <chrono>
#include <cstdio>
#include <string>

namespace life {

using namespace c10k;

namespace {

// The steps of a game, and how many a second.
class Steps {
public:
    explicit Steps(std::size_t cells) : cells_(cells) {}

    std::string text(const Progress& progress) {
        const auto now = std::chrono::steady_clock::now();
        const std::uint64_t states = progress.states_sent;
        const double seconds = std::chrono::duration<double>(now - last_time_).count();
        const double rate = static_cast<double>(states - last_states_) / static_cast<double>(cells_) / seconds;
        last_states_ = states;
        last_time_ = now;
        const std::uint64_t sent = states - progress.states_before;
        char buffer[96];
        std::snprintf(buffer, sizeof buffer, "step %llu, %.1f steps/s",
                      static_cast<unsigned long long>(sent > 0 ? (sent - 1) / cells_ : 0), rate);
        return buffer;
    }

private:
    std::size_t cells_;
    std::uint64_t last_states_ = 0;
    std::chrono::steady_clock::time_point last_time_ = std::chrono::steady_clock::now();
};

// What the user's commands have made of the game, and how far it was found right.
std::string state_of(const Players& players) {
    std::string text;
    if (const Verifier* const verifier = players.verifier(); verifier != nullptr && verifier->verified() > 0) {
        text += ", right to step " + std::to_string(verifier->verified() - 1);
    }
    if (players.turns().is_paused()) {
        text += ", paused";
    }
    if (const std::optional<Position> held = players.turns().held()) {
        text += ", cell " + std::to_string(held->row) + ' ' + std::to_string(held->col) + " is held";
    }
    return text;
}

}  // namespace

void Departure::note(Duration took) noexcept {
    ++count_;
    std::int64_t slowest = slowest_;
    while (took.count() > slowest && !slowest_.compare_exchange_weak(slowest, took.count())) {
    }
}

Task<> report(const Players& players, const Departure& departure) {
    StatusLine line;
    const std::string cells = std::to_string(players.cell_count());
    Steps steps{players.cell_count()};
    for (;;) {
        co_await sleep_for(line.interval());
        const Progress& progress = players.progress();
        std::string text;
        if (progress.is_leaving) {
            text = std::to_string(departure.count()) + " of " + cells + " workers have left";
        } else if (progress.states_sent > 0) {
            text = steps.text(progress) + state_of(players);
        } else {
            text = std::to_string(progress.connected) + " of " + cells + " workers connected, " +
                   std::to_string(progress.subscribed) + " subscribed";
        }
        if (const std::string awaited = players.awaited(); !awaited.empty()) {
            text += ", " + awaited;
        }
        line.show(text);
    }
}

}  // namespace life
