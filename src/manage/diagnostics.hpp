#pragma once

#include "web/explanation.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace c10k {

// Finds the errors in a build's output, as compilers, linkers and CMake write them, and shortens paths inside `source`.
// Returns the last lines of the output if it finds none. The result is less than 64 KiB, and says how much it leaves
// out.
[[nodiscard]] std::vector<Explanation::Problem> find_problems(std::string_view output,
                                                              const std::filesystem::path& source);

// The last lines of `output`.
[[nodiscard]] std::string_view last_lines(std::string_view output);

}  // namespace c10k
