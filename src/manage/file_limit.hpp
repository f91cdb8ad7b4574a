#pragma once

#include <cstddef>

namespace c10k {

// Raises this process's soft limit of open files to its hard one, which needs no right. Returns the limit in force.
std::size_t raise_file_limit() noexcept;

}  // namespace c10k
