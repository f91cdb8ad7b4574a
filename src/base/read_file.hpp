#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace c10k {

// All bytes of a file; nothing if it cannot be read.
[[nodiscard]] std::optional<std::string> read_file(const std::filesystem::path& file);

}  // namespace c10k
