#pragma once

#include <string>
#include <string_view>

namespace c10k {

// The text as a terminal or a log can show it, whoever wrote it: control characters, bytes that are no UTF-8, and
// characters that break lines or turn the direction of writing are escaped, "\x1b", "\n", "\u202e". A peer chooses
// close reasons, header fields, targets and messages, and a terminal obeys what it is sent.
//
// The log and what manage() prints of an exception are so by themselves. A text that is so already stays as it is.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace c10k
