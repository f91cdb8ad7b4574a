#pragma once

#include <span>
#include <string>
#include <string_view>

namespace c10k {

// The one of `words` that was perhaps meant by `word`; empty if none comes near. "-" counts as "_", and case does not.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

// Names the first character that a reader does not see, or takes for a plain space, as "U+00A0": spaces outside of
// ASCII, a byte order mark, a soft hyphen and the like. Empty if the text has none.
[[nodiscard]] std::string invisible_in(std::string_view text);

}  // namespace c10k
