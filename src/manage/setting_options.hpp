#pragma once

#include "c10k/settings.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace c10k {

// Options of a command that are settings. They go before those of the environment and the file.
class SettingOptions {
public:
    explicit SettingOptions(AppSettings of_apps) : of_apps_(std::move(of_apps)) {}

    // --settings and --set.
    void add_to(CLI::App& command);
    // The positional argument "8000", "127.0.0.1:8000", "[::1]:8000" or "unix:/run/site.sock".
    void add_address_to(CLI::App& command, const std::string& help);
    // An option for one setting, "-v,--verbosity".
    CLI::Option* add_setting(CLI::App& command, const std::string& names, const std::string& setting,
                             const std::string& help);

    void set(std::string name, std::string value) { flags_.emplace_back(std::move(name), std::move(value)); }

    // A reader that has read nothing yet.
    [[nodiscard]] SettingsReader reader() const { return SettingsReader{{}, of_apps_}; }
    // Reads the file and the environment, and then what was given here. Throws CommandError.
    [[nodiscard]] SettingsReader read() const;

private:
    AppSettings of_apps_;
    std::optional<std::string> file_;
    std::optional<std::string> address_;
    std::vector<std::string> assignments_;
    std::vector<std::pair<std::string, std::string>> flags_;
};

}  // namespace c10k
