#pragma once

#include <span>
#include <string>
#include <string_view>

namespace c10k {

// The one of `words` that was perhaps meant by `word`; empty if none comes near. "-" counts as "_", and case does not.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

// What a reader of the text does not see in it, "U+00A0", or sees as a plain space: spaces that are none of ASCII's, a
// byte order mark, a soft hyphen and the like. Empty if there is nothing such.
[[nodiscard]] std::string invisible_in(std::string_view text);

}  // namespace c10k
