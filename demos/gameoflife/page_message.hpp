#pragma once

#include "gameoflife/picture.hpp"

#include <c10k/json.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace life {

// A cell by row and column, as a page names it: it may be off the grid.
using CellPlace = std::pair<int, int>;

// A message of a page (subprotocol life.viewer): any of these.
struct PageMessage {
    // A command for the program, and the page's number for the answer.
    struct Command {
        nlohmann::json what;
        std::uint64_t id = 0;
    };

    std::optional<View> view = {};
    std::optional<std::uint64_t> seen = {};  // the number of a frame
    // The cell whose card the page wants; empty: none.
    std::optional<std::optional<CellPlace>> cell = {};
    std::optional<Command> command = {};

    // Throws BadMessage.
    static PageMessage parse(std::string_view text);
};

}  // namespace life
