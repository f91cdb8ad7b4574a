#pragma once

#include "web/reload_board.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace c10k {

// The errors in what a build has printed, as compilers, linkers and CMake write them; places inside `source` are
// shortened. Without any, the last lines of it all.
[[nodiscard]] std::vector<ReloadState::Problem> find_problems(std::string_view output,
                                                              const std::filesystem::path& source);

// The last lines of `output`.
[[nodiscard]] std::string_view last_lines(std::string_view output);

}  // namespace c10k
