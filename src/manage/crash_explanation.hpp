#pragma once

#include "web/crash_note.hpp"
#include "web/explanation.hpp"

#include <filesystem>

namespace c10k {

// Adds the place of a crash, its lines and the stack to an explanation. Requires: `program` is still the file of the
// program that crashed. Asks addr2line.
void add_crash(Explanation& explanation, const CrashNote& note, const std::filesystem::path& program,
               const std::filesystem::path& source);

}  // namespace c10k
