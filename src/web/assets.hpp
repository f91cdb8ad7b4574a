#pragma once

#include <span>
#include <string_view>

namespace c10k {

// A file of src/web/assets/, which the build has put into the program: a style sheet or script of our own pages.
struct Asset {
    std::string_view name;  // "base.css"
    std::string_view text;
};

[[nodiscard]] std::span<const Asset> all_assets() noexcept;

// The text of one. Throws std::logic_error if there is none.
[[nodiscard]] std::string_view asset(std::string_view name);

}  // namespace c10k
