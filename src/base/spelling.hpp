#pragma once

#include <span>
#include <string>
#include <string_view>

namespace c10k {

// The one of `words` that a user who wrote `word` perhaps meant; empty if none comes near. "-" counts as "_", and case
// does not matter.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

// Names, as "U+00A0", the first character that a reader cannot see or takes for a plain space: a space outside ASCII, a
// byte order mark, a soft hyphen and the like. Empty if the text has none.
[[nodiscard]] std::string invisible_in(std::string_view text);

}  // namespace c10k
