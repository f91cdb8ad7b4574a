#pragma once

#include "web/reload_board.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace c10k {

// The errors in what a build has printed, as compilers, linkers and CMake write them; places inside `source` are
// shortened. Without any, the last lines of it all. Of very many or very long ones it says how much it leaves out: it
// gives less than 64 KiB.
[[nodiscard]] std::vector<ReloadState::Problem> find_problems(std::string_view output,
                                                              const std::filesystem::path& source);

// The last lines of `output`.
[[nodiscard]] std::string_view last_lines(std::string_view output);

}  // namespace c10k
