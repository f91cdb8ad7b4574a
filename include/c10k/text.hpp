#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// The text as a terminal or a log can show it, whoever wrote it: control characters, bytes that are no UTF-8, and
// characters that break lines or turn the direction of writing are escaped, "\x1b", "\n", "\u202e". A peer chooses
// close reasons, header fields, targets and messages, and a terminal obeys what it is sent.
//
// The log and what manage() prints of an exception are so by themselves. A text that is so already stays as it is.
[[nodiscard]] std::string printable(std::string_view text);

// The time that a text says: "250ms", "10s", "1.5m", "1h", "2d", or in seconds "10"; spaces may stand before the unit.
// Empty if it says none, or one that is not in whole milliseconds or does not fit.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_time(std::string_view text);

}  // namespace c10k
