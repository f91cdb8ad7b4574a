#pragma once

#include "gameoflife/grid.hpp"

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

// Says why this program cannot play on such a grid, and what to do; empty if it can.
[[nodiscard]] std::string refusal(int size, Edges edges);

}  // namespace life
