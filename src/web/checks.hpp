#pragma once

#include "c10k/settings.hpp"
#include "c10k/urls.hpp"

#include <cstdint>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// A finding of a system check.
struct CheckMessage {
    enum class Level : std::uint8_t { kWarning, kError };

    Level level;
    std::string id;  // "urls.W001"; W for a warning, E for an error
    std::string text;
    std::string hint;  // what to do, perhaps ""
};

// "urls.W001: two routes have the name 'index' (give each its own)"
[[nodiscard]] std::string to_text(const CheckMessage& message);

// Errors that checks have found: what() has a line for each.
class FailedChecks : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Throws FailedChecks if there is an error among the messages.
void require_no_error(const std::vector<CheckMessage>& messages);

// Prints on standard error why a program ends, in one line, or in the lines of FailedChecks and SettingsError.
void print_error(const std::exception& error);

// Limits that contradict each other, entries that match nothing, doors that are open too wide.
[[nodiscard]] std::vector<CheckMessage> check_settings(const Settings& settings);
// Routes that share a name, and routes that an earlier one hides.
[[nodiscard]] std::vector<CheckMessage> check_urls(const Urls& urls);
// Folders that are missing. `subject` begins the ids: "templates", "staticfiles".
[[nodiscard]] std::vector<CheckMessage> check_folders(std::string_view subject,
                                                      const std::vector<std::filesystem::path>& folders);

}  // namespace c10k
