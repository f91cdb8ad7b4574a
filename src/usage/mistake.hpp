#pragma once

#include "usage/description.hpp"

#include <string>

namespace CLI {
class ParseError;
}

namespace c10k::usage {

// What was wrong with the arguments, for a user: what was perhaps meant, and where help is. One or two lines.
[[nodiscard]] std::string explain_mistake(const Program& program, const CLI::ParseError& error, int argc, char** argv);

}  // namespace c10k::usage
