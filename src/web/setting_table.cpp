#include "web/setting_table.hpp"

#include "base/spelling.hpp"
#include "web/setting_text.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace c10k {
namespace {

// What else C10K_NAME in the environment can be: what a user tells the reload overlay, and what our processes tell each
// other.
constexpr std::array<std::string_view, 9> kVariables{"dashboard_socket", "dashboard_token", "editor",
                                                     "ready_socket",     "reload_board",    "reload_crash",
                                                     "reload_program",   "reload_source",   "stand_in"};

// Environment, files and options can all write it.
bool is_writable(std::string_view name) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    return !name.empty() && std::all_of(name.begin(), name.end(), fits);
}

SettingRow row_of(const DeclaredSetting& setting) {
    return {.name = setting.name,
            .unit = setting.unit,
            .member = &setting,
            .reason = setting.reason,
            .bounds = setting.bounds,
            .choices = setting.choices};
}

// What is wrong with the declaration; "" if nothing is.
std::string fault_of(const SettingRow& row, const DeclaredSetting& setting) {
    if (!is_writable(row.name)) {
        return "a name has lower-case letters, digits and '_'";
    }
    if (SettingTable::is_variable(row.name)) {
        return "C10K_NAME in the environment has another meaning";
    }
    if (row.reason.empty()) {
        return "it has no reason";
    }
    for (const auto& value : {setting.default_value, setting.default_in_debug}) {
        Settings settings;
        settings.of_apps.emplace(row.name, value);
        if (const auto problem = store(settings, row, value_text(settings, row))) {
            return "its default " + *problem;
        }
    }
    return "";
}

}  // namespace

SettingTable::SettingTable(AppSettings of_apps)
    : of_apps_(std::move(of_apps)), rows_(setting_rows().begin(), setting_rows().end()) {
    for (const DeclaredSetting& setting : of_apps_) {
        const SettingRow row = row_of(setting);
        const std::string fault = find(row.name) != nullptr ? "there is another of that name" : fault_of(row, setting);
        if (!fault.empty()) {
            throw std::logic_error("AppSetting '" + std::string{row.name} + "': " + fault);
        }
        rows_.push_back(row);
    }
}

const SettingRow* SettingTable::find(std::string_view name) const noexcept {
    const auto row =
        std::find_if(rows_.begin(), rows_.end(), [name](const SettingRow& one) { return one.name == name; });
    return row == rows_.end() ? nullptr : &*row;
}

bool SettingTable::is_variable(std::string_view name) noexcept {
    return std::find(kVariables.begin(), kVariables.end(), name) != kVariables.end();
}

std::string_view SettingTable::nearest(std::string_view name) const {
    std::vector<std::string_view> names;
    for (const SettingRow& row : rows_) {
        names.push_back(row.name);
    }
    return c10k::nearest(name, names);
}

}  // namespace c10k
