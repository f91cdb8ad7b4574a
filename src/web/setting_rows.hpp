#pragma once

#include "c10k/limits.hpp"
#include "c10k/settings.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace c10k {

// Where Settings keeps a setting: in a field of its own, or, if an app has declared it, by its name.
using SettingMember = std::variant<std::string Settings::*, bool Settings::*, std::uint32_t Settings::*,
                                   std::chrono::milliseconds Settings::*, std::chrono::seconds Settings::*,
                                   std::vector<std::string> Settings::*, const DeclaredSetting*>;

// All that the library knows of a setting: parsing, describe(), checks and metrics read it here.
struct SettingRow {
    std::string_view name;
    std::string_view unit;  // "" if it has none
    SettingMember member;
    std::string_view reason;
    SettingBounds bounds = {};
    std::optional<Limit> limit = std::nullopt;       // whose strikes are counted under this name
    std::span<const std::string_view> choices = {};  // the words of an enum
};

// A size that must not be larger than another.
struct SettingOrder {
    std::uint32_t Settings::*smaller;
    std::uint32_t Settings::*larger;
    std::string_view check_id;
    std::string_view hint;
};

// Those of the framework.
[[nodiscard]] std::span<const SettingRow> setting_rows() noexcept;
[[nodiscard]] std::span<const SettingOrder> setting_orders() noexcept;
// The name of the setting that is kept there.
[[nodiscard]] std::string_view name_of(SettingMember member) noexcept;

}  // namespace c10k
