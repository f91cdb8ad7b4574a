#pragma once

#include "gameoflife/grid.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace life {

// How a game begins.
struct Start {
    Grid grid;
    Edges edges = Edges::kWrapped;
    std::string pattern = {};  // the name of a shipped one, else empty
};

// The folder of the shipped patterns.
[[nodiscard]] const std::filesystem::path& patterns_folder();

// Whether each cell has a connection of its own, or all share a few (HTTP/2).
enum class Connections { kOwn, kShared };

// The room that the cells of a game have.
struct Room {
    std::size_t connections = 0;
    std::size_t bytes = 0;

    // That of this process and this machine. Thread: of a loop.
    static Room available(Connections connections);
};

// Says why no game can be played on such a grid, and what to do; empty if one can.
[[nodiscard]] std::string refusal(int size, Edges edges, const Room& room);

}  // namespace life
