#pragma once

#include "usage/description.hpp"

#include <string>

namespace CLI {
class ParseError;
}

namespace c10k::usage {

// Tells a user what is wrong with the arguments, what they perhaps meant, and where to find help, in one or two lines.
[[nodiscard]] std::string explain_mistake(const Program& program, const CLI::ParseError& error, int argc, char** argv);

}  // namespace c10k::usage
