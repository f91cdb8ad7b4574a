#pragma once

#include "usage/description.hpp"

#include <string>
#include <vector>

namespace c10k::usage {

// Throws std::runtime_error with a text for a user, unless there is a script for that shell.
void require_known(const std::string& shell);

// A script for bash that completes commands, options, their values, and the names of settings. `called` are the names
// that the program is called by. The script asks nobody: it need not be fast, nor built, to be completed.
[[nodiscard]] std::string bash_completion(const Program& program, const std::vector<std::string>& called);

}  // namespace c10k::usage
