#include "web/setting_text.hpp"

#include "base/text.hpp"
#include "c10k/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

namespace c10k {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Problem {
    std::string text;
};

template <typename T>
using Parsed = std::variant<T, Problem>;

bool is_size(const SettingRow& row) { return row.unit == "bytes"; }

// "65536", and of sizes "64KiB", too.
std::optional<std::uint64_t> parse_number(const SettingRow& row, std::string_view text) {
    struct Unit {
        std::string_view suffix;
        std::uint64_t bytes;
    };
    constexpr std::array kUnits{Unit{"KiB", std::uint64_t{1} << 10}, Unit{"MiB", std::uint64_t{1} << 20},
                                Unit{"GiB", std::uint64_t{1} << 30}};
    const auto unit =
        std::find_if(kUnits.begin(), kUnits.end(), [text](const Unit& known) { return text.ends_with(known.suffix); });
    if (!is_size(row) || unit == kUnits.end()) {
        return to_number<std::uint64_t>(text);
    }
    const auto count = to_number<std::uint32_t>(trim(text.substr(0, text.size() - unit->suffix.size())));
    return count ? std::optional{*count * unit->bytes} : std::nullopt;
}

std::string format(const std::string& text) { return text; }
std::string format(bool truth) { return truth ? "true" : "false"; }
std::string format(std::uint32_t number) { return std::to_string(number); }
std::string format(milliseconds time) {
    return time % seconds{1} == milliseconds{0} ? std::to_string(time / seconds{1}) + 's'
                                                : std::to_string(time.count()) + "ms";
}
std::string format(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& member : list) {
        text += (text.empty() ? "" : ", ") + member;
    }
    return text;
}

// ---- One for each type of a setting, which the last parameter chooses

Parsed<std::string> parse(const SettingRow& row, std::string_view text, std::string /*tag*/) {
    if (row.choices.empty() || std::find(row.choices.begin(), row.choices.end(), text) != row.choices.end()) {
        return std::string{text};
    }
    std::string words;
    for (const std::string_view word : row.choices) {
        words += (words.empty() ? "" : word == row.choices.back() ? " or " : ", ") + std::string{word};
    }
    return Problem{"is none of its values: write " + words};
}

Parsed<bool> parse(const SettingRow& /*row*/, std::string_view text, bool /*tag*/) {
    constexpr std::array<std::string_view, 4> kTrue{"true", "yes", "on", "1"};
    constexpr std::array<std::string_view, 4> kFalse{"false", "no", "off", "0"};
    const auto is = [text](std::string_view word) { return iequals(text, word); };
    if (std::any_of(kTrue.begin(), kTrue.end(), is)) {
        return true;
    }
    if (std::any_of(kFalse.begin(), kFalse.end(), is)) {
        return false;
    }
    return Problem{"is neither true nor false: write true, yes, on or 1, or false, no, off or 0"};
}

Parsed<std::uint32_t> parse(const SettingRow& row, std::string_view text, std::uint32_t /*tag*/) {
    const auto number = parse_number(row, text);
    if (!number || *number < row.bounds.min || *number > row.bounds.max) {
        return Problem{"is not a number from " + std::to_string(row.bounds.min) + " to " +
                       std::to_string(row.bounds.max) + (is_size(row) ? ", as in 65536, 64KiB or 1MiB" : "")};
    }
    return static_cast<std::uint32_t>(*number);
}

Parsed<milliseconds> parse(const SettingRow& row, std::string_view text, milliseconds /*tag*/) {
    const milliseconds min{row.bounds.min};
    const milliseconds max{row.bounds.max};
    const auto time = parse_time(text);
    if (!time || *time < min || *time > max) {
        return Problem{"is not a time from " + format(min) + " to " +
                       (max == std::chrono::hours{1} ? "1h" : format(max)) + ", as in 250ms, 10s, 1.5m or 1h"};
    }
    return *time;
}

Parsed<seconds> parse(const SettingRow& row, std::string_view text, seconds /*tag*/) {
    const Parsed<milliseconds> time = parse(row, text, milliseconds{});
    if (const auto* problem = std::get_if<Problem>(&time)) {
        return *problem;
    }
    if (std::get<milliseconds>(time) % seconds{1} != milliseconds{0}) {
        return Problem{"is not in whole seconds"};
    }
    return std::chrono::duration_cast<seconds>(std::get<milliseconds>(time));
}

Parsed<std::vector<std::string>> parse(const SettingRow& /*row*/, std::string_view text,
                                       std::vector<std::string> /*tag*/) {
    const auto members = split_list(text);
    return std::vector<std::string>{members.begin(), members.end()};
}

// ---- Where a value is kept

// Parses `text` as a value of the place's type, and puts it there.
struct Store {
    template <typename T>
    std::optional<std::string> operator()(T Settings::*member) const {
        return parse_into<T>([this, member](T value) { settings.*member = std::move(value); });
    }
    std::optional<std::string> operator()(const DeclaredSetting* setting) const {
        return std::visit(
            [this]<typename T>(const T& /*default_value*/) {
                return parse_into<T>(
                    [this](T value) { settings.of_apps.insert_or_assign(std::string{row.name}, std::move(value)); });
            },
            setting->default_value);
    }

    template <typename T, typename Put>
    std::optional<std::string> parse_into(Put put) const {
        Parsed<T> parsed = parse(row, text, T{});
        if (auto* problem = std::get_if<Problem>(&parsed)) {
            return std::move(problem->text);
        }
        put(std::get<T>(std::move(parsed)));
        return std::nullopt;
    }

    Settings& settings;
    const SettingRow& row;
    std::string_view text;
};

struct Format {
    template <typename T>
    std::string operator()(T Settings::*member) const {
        return format(settings.*member);
    }
    std::string operator()(const DeclaredSetting* setting) const {
        const auto set = settings.of_apps.find(setting->name);
        return std::visit([](const auto& value) { return format(value); }, set != settings.of_apps.end() ? set->second
                                                                           : settings.debug ? setting->default_in_debug
                                                                                            : setting->default_value);
    }

    const Settings& settings;
};

}  // namespace

std::optional<std::string> store(Settings& settings, const SettingRow& row, std::string_view text) {
    return std::visit(Store{settings, row, text}, row.member);
}

std::string value_text(const Settings& settings, const SettingRow& row) {
    return std::visit(Format{settings}, row.member);
}

}  // namespace c10k
