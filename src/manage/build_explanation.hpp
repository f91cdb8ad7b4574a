#pragma once

#include "web/explanation.hpp"

#include <filesystem>
#include <string_view>

namespace c10k {

// Why a build has failed, from its output: the errors with the lines of the sources, and the output itself, cut to what
// a page can show.
[[nodiscard]] Explanation explain_build(std::string_view output, const std::filesystem::path& source);

}  // namespace c10k
