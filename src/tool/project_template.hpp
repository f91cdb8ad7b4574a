#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace c10k::tool {

// Values by name: {"app_name", "chat"} puts chat where a text has "{{ app_name }}", and a path app_name.
using Names = std::map<std::string, std::string>;

// Throws std::runtime_error if the file cannot be read.
[[nodiscard]] std::string read_text(const std::filesystem::path& file);

// `text` with the names filled in. Other braces stay as they are: web templates have their own, without the spaces.
[[nodiscard]] std::string fill(std::string text, const Names& names);

// Copies all files of the folder `project_template` into `folder`, with the names filled in. Files keep their
// permissions. Throws std::runtime_error before it writes anything if that folder is missing or a file exists already.
void copy_filled(const std::filesystem::path& project_template, const std::filesystem::path& folder,
                 const Names& names);

}  // namespace c10k::tool
