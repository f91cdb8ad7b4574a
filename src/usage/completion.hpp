#pragma once

#include "usage/description.hpp"

#include <string>
#include <vector>

namespace c10k::usage {

// Throws std::runtime_error with a text for a user, unless there is a script for that shell.
void require_known(const std::string& shell);

// A script for bash that completes commands, options, their values, and the names of settings. `called` are the names
// by which users start the program. The script does not run the program, which may be slow or not built yet.
[[nodiscard]] std::string bash_completion(const Program& program, const std::vector<std::string>& called);

}  // namespace c10k::usage
