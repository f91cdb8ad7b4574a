#pragma once

#include "web/explanation.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

namespace c10k {

// The lines of a file around `line`, tabs expanded as compilers do, long lines cut; empty if the file has no such line.
// All of the line is at fault, but its indentation.
[[nodiscard]] Excerpt read_excerpt(const std::filesystem::path& file, unsigned line);

// Narrows the fault to the word at a byte of the line.
void mark_word(Excerpt& excerpt, std::size_t begin);

// Narrows the fault to the first call of a function of that name, or to the word `throw`: from the object that the
// function belongs to, to the closing bracket. Leaves it as it is if the line has neither.
void mark_call(Excerpt& excerpt, std::string_view function);

// Narrows the fault to what a compiler has marked: `source` is the line as it printed it, and `marks` the "^~~~" below.
// Returns whether the excerpt has that line.
bool mark_columns(Excerpt& excerpt, std::string_view source, std::string_view marks);

}  // namespace c10k
