#pragma once

#include <string_view>

namespace c10k {

// What a compiler's message means, if its words do not say so; "" if nothing is known. With `code`.
[[nodiscard]] std::string_view hint_for_message(std::string_view message) noexcept;

// What to try after an exception, by its type and text; "" if nothing is known. With `code`.
[[nodiscard]] std::string_view hint_for_exception(std::string_view type, std::string_view text) noexcept;

}  // namespace c10k
