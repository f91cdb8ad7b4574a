#pragma once

#include "web/setting_rows.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// Reads the value of a setting and stores it in `settings`. Returns what is wrong with `text`, "is not a number from 1
// to 64", or nothing.
[[nodiscard]] std::optional<std::string> store(Settings& settings, const SettingRow& row, std::string_view text);

// The value of a setting, as store() reads it.
[[nodiscard]] std::string value_text(const Settings& settings, const SettingRow& row);

}  // namespace c10k
