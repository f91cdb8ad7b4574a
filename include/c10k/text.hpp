#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// Makes any text safe for a terminal or a log: escapes control characters, bytes that are not UTF-8, and characters
// that break lines or change the direction of writing, as "\x1b", "\n", "\u202e". A peer chooses close reasons, header
// fields, targets and messages, and a terminal obeys the bytes that it gets.
//
// The log does this by itself, and so does manage() with the text of an exception. Printable text stays as it is.
[[nodiscard]] std::string printable(std::string_view text);

// The time that a text says: "250ms", "10s", "1.5m", "1h", "2d", or in seconds "10"; spaces may stand before the unit.
// Empty if it says none, or one that is not in whole milliseconds or does not fit.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_time(std::string_view text);

}  // namespace c10k
