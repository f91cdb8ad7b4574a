#pragma once

#include <string_view>

namespace c10k {

// Whether `path` can name a file inside a folder and nothing else: parts with "/" between them, none of which is empty,
// hidden ("." in front, so also "." and ".."), or holds a backslash or NUL. An empty path is none.
[[nodiscard]] bool is_plain_path(std::string_view path) noexcept;

}  // namespace c10k
