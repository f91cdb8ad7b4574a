#include "gameoflife/status.hpp"

#include <c10k/json.hpp>

namespace life {

using namespace c10k;
using nlohmann::json;

namespace {

const char* name_of(Feed::Phase phase) {
    switch (phase) {
        case Feed::Phase::kEmpty: return "empty";
        case Feed::Phase::kGathering: return "gathering";
        case Feed::Phase::kRunning: return "running";
        case Feed::Phase::kOver: return "over";
        case Feed::Phase::kGone: return "gone";
    }
    return "";
}

template <typename T>
json or_null(const std::optional<T>& value) {
    return value ? json(*value) : json(nullptr);
}

json game_of(const Feed::Summary& game, const Control::State& control) {
    const std::optional<Hello>& hello = control.hello;
    return json_object("number", game.glance.game, "size", game.glance.size, "phase", name_of(game.glance.phase),
                       "connected", game.glance.connected, "subscribed", game.glance.subscribed, "wrapped",
                       hello ? json(hello->wrapped) : json(nullptr), "limit",
                       hello ? or_null(hello->limit) : json(nullptr));
}

json step_of(const Feed::Summary& game) {
    return game.steps ? json_object("oldest", game.steps->first, "youngest", game.steps->second)
                      : json_object("oldest", nullptr, "youngest", nullptr);
}

json histogram_of(const Feed::Summary& game) {
    json alive = json::array();
    json dead = json::array();
    for (const Board::StepCount& count : game.step_counts) {
        alive.push_back(count.alive);
        dead.push_back(count.dead);
    }
    return json_object("first", game.first_step, "alive", std::move(alive), "dead", std::move(dead));
}

json left_of(const Feed::Summary& game) {
    json cells = json::array();
    for (const auto& [row, col] : game.some_missing) {
        cells.push_back(json_array(row, col));
    }
    return json_object("count", game.missing, "cells", std::move(cells));
}

json control_of(const Control::State& control, std::string_view refusal) {
    json why = nullptr;
    if (!refusal.empty()) {
        why = std::string{refusal};
    } else if (!control.has_program) {
        why = Control::kNoProgram;
    }
    return json_object("program", control.has_program, "allowed", refusal.empty(), "why", std::move(why));
}

}  // namespace

std::string status_text(const Feed::Summary& game, const Control::State& control, std::string_view refusal) {
    json status =
        json_object("game", game_of(game, control), "step", step_of(game), "population", game.population, "histogram",
                    histogram_of(game), "messages", game.messages_per_second, "left", left_of(game), "control",
                    control_of(control, refusal), "play", control.play.value_or(nullptr));
    return json_text("status", std::move(status));
}

std::string card_text(CellPlace place, const std::optional<Feed::CellReport>& report) {
    json card = json_object("row", place.first, "col", place.second);
    for (const char* name : {"step", "state", "message", "milliseconds", "loop", "socket", "peer", "connected"}) {
        card[name] = nullptr;
    }
    if (report) {
        card.update(json_object("step", report->cell.step, "state", static_cast<int>(report->cell.is_alive), "message",
                                report->word, "milliseconds", report->milliseconds, "loop", report->loop, "socket",
                                report->cell.worker, "peer", report->peer, "connected", report->is_connected));
    }
    return json_text("card", std::move(card));
}

std::string answer_text(std::uint64_t id, std::string_view error) {
    return json_text("answer", id, "error", error.empty() ? json(nullptr) : json(std::string{error}));
}

}  // namespace life
