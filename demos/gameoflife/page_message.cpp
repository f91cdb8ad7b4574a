#include "gameoflife/page_message.hpp"

#include "gameoflife/json_message.hpp"
#include "gameoflife/worker_message.hpp"

#include <algorithm>

namespace life {

namespace {

// Beyond every grid.
constexpr int kFar = 65'535;

View parse_view(const nlohmann::json& said) {
    return {.zoom = clipped_number_of(said, "zoom", 0, View::kMaxZoom),
            .left = clipped_number_of(said, "left", -kFar, kFar),
            .top = clipped_number_of(said, "top", -kFar, kFar),
            .columns = clipped_number_of(said, "columns", 0, kFar),
            .rows = clipped_number_of(said, "rows", 0, kFar),
            .ages = said.contains("ages") && flag_of(said, "ages")};
}

std::optional<CellPlace> parse_cell(const nlohmann::json& said) {
    if (said.is_null()) {
        return {};
    }
    if (!said.is_array() || said.size() != 2 || !said[0].is_number_unsigned() || !said[1].is_number_unsigned()) {
        throw BadMessage("'cell' is [ROW, COL] or null");
    }
    const auto number = [](const nlohmann::json& value) {
        return static_cast<int>(std::min<std::uint64_t>(value.get<std::uint64_t>(), kFar));
    };
    return CellPlace{number(said[0]), number(said[1])};
}

}  // namespace

PageMessage PageMessage::parse(std::string_view text) {
    const nlohmann::json message = parse_object(text);
    PageMessage parsed;
    if (const auto view = message.find("view"); view != message.end()) {
        parsed.view = parse_view(*view);
    }
    if (message.contains("seen")) {
        parsed.seen = whole_number_of(message, "seen");
    }
    if (const auto cell = message.find("cell"); cell != message.end()) {
        parsed.cell = parse_cell(*cell);
    }
    if (const auto command = message.find("do"); command != message.end()) {
        if (!command->is_object()) {
            throw BadMessage("'do' is an object");
        }
        parsed.command = Command{.what = *command, .id = whole_number_of(message, "id")};
    }
    return parsed;
}

}  // namespace life
