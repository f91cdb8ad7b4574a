#pragma once

#include "c10k/limits.hpp"
#include "c10k/settings.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace c10k {

// Where Settings keeps a setting.
using SettingMember = std::variant<std::string Settings::*, bool Settings::*, std::uint32_t Settings::*,
                                   std::chrono::milliseconds Settings::*, std::chrono::seconds Settings::*,
                                   std::vector<std::string> Settings::*>;

// The values that a number may have, or a time in milliseconds.
struct SettingBounds {
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint32_t>::max();
};

// All that the library knows of a setting: parsing, describe(), checks and metrics read it here.
struct SettingRow {
    std::string_view name;
    std::string_view unit;  // "" if it has none
    SettingMember member;
    std::string_view reason;
    SettingBounds bounds = {};
    std::optional<Limit> limit = std::nullopt;  // whose strikes are counted under this name
};

// A size that must not be larger than another.
struct SettingOrder {
    std::uint32_t Settings::*smaller;
    std::uint32_t Settings::*larger;
    std::string_view check_id;
    std::string_view hint;
};

[[nodiscard]] std::span<const SettingRow> setting_rows() noexcept;
[[nodiscard]] std::span<const SettingOrder> setting_orders() noexcept;
// Null if there is no setting of that name.
[[nodiscard]] const SettingRow* find_setting(std::string_view name) noexcept;
// The name of the setting that is kept there.
[[nodiscard]] std::string_view name_of(SettingMember member) noexcept;

}  // namespace c10k
