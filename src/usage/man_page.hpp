#pragma once

#include "usage/description.hpp"

#include <string>

namespace c10k::usage {

// The manual of a program for section 1, as man(7) has it.
[[nodiscard]] std::string man_page(const Program& program);

}  // namespace c10k::usage
