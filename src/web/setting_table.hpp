#pragma once

#include "c10k/app_setting.hpp"
#include "web/setting_rows.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace c10k {

// The settings of a program: those of the framework, then those of its apps.
class SettingTable {
public:
    // Throws std::logic_error: see SettingsReader.
    explicit SettingTable(AppSettings of_apps);
    SettingTable(const SettingTable&) = delete;
    SettingTable& operator=(const SettingTable&) = delete;

    [[nodiscard]] std::span<const SettingRow> rows() const noexcept { return rows_; }
    // Null if there is no setting of that name.
    [[nodiscard]] const SettingRow* find(std::string_view name) const noexcept;
    // Whether C10K_NAME in the environment is no setting, and not meant to be one.
    [[nodiscard]] static bool is_variable(std::string_view name) noexcept;
    // The name that was perhaps meant; empty if none comes near.
    [[nodiscard]] std::string_view nearest(std::string_view name) const;

private:
    AppSettings of_apps_;
    std::vector<SettingRow> rows_;
};

}  // namespace c10k
