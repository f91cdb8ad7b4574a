#include "c10k/settings.hpp"

#include "base/spelling.hpp"
#include "base/text.hpp"
#include "c10k/text.hpp"
#include "web/setting_rows.hpp"
#include "web/setting_table.hpp"
#include "web/setting_text.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

namespace c10k {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- Faults of a text that a user cannot see

bool is_quoted(std::string_view text) {
    return text.size() > 1 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
}

std::string more_about(std::string_view text) {
    if (const std::string invisible = invisible_in(text); !invisible.empty()) {
        return "; there is a character in it that cannot be seen, " + invisible;
    }
    return text.find('#') == std::string_view::npos ? "" : "; a comment has a line of its own";
}

// A text for an error message, shortened if it is long.
std::string in_quotes(std::string_view text) {
    constexpr std::size_t kMost = 100;
    return '\'' + std::string{text.substr(0, kMost)} + (text.size() > kMost ? "..." : "") + '\'';
}

// ---- Files

// Takes a line off a text: to "\n", "\r\n" or "\r".
std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    text.remove_prefix(text.starts_with("\r\n") ? 2 : std::min<std::size_t>(text.size(), 1));
    return line;
}

std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += (text.empty() ? "" : "\n") + line;
    }
    return text;
}

}  // namespace

SettingsError::SettingsError(std::vector<std::string> problems)
    : std::runtime_error(join(problems)), problems_(std::move(problems)) {}

SettingsReader::SettingsReader(Settings defaults, AppSettings of_apps)
    : table_(std::make_shared<const SettingTable>(std::move(of_apps))), defaults_(std::move(defaults)),
      settings_(defaults_) {}

void SettingsReader::read_file(const std::filesystem::path& file) {
    constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    std::ifstream input{file, std::ios::binary};
    if (!input || std::filesystem::is_directory(file)) {
        problems_.push_back(file.string() + ": cannot be read");
        return;
    }
    std::string content(kMaxFileBytes + 1, '\0');
    input.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(input.gcount()));
    if (content.size() > kMaxFileBytes) {
        problems_.push_back(file.string() + ": is larger than 1 MiB: no file of settings");
        return;
    }
    const auto zeros = static_cast<std::size_t>(std::count(content.begin(), content.end(), '\0'));
    if (content.starts_with("\xff\xfe") || content.starts_with("\xfe\xff") || zeros > content.size() / 3) {
        problems_.push_back(file.string() + ": is in UTF-16 or another encoding of wide characters: save it as UTF-8");
        return;
    }
    std::string_view rest = content;
    rest.remove_prefix(rest.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
    for (int number = 1; !rest.empty(); ++number) {
        read_line(trim(take_line(rest)), file.string() + ':' + std::to_string(number));
    }
}

void SettingsReader::read_line(std::string_view line, const std::string& origin) {
    if (line.empty() || line.starts_with('#')) {
        return;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
        problems_.push_back(origin + ": a line is 'name = value'" + more_about(line));
    } else {
        apply(trim(line.substr(0, equals)), trim(line.substr(equals + 1)), origin);
    }
}

void SettingsReader::read_environment(const char* const* environment) {
    constexpr std::string_view kPrefix = "C10K_";
    for (; *environment != nullptr; ++environment) {
        const std::string_view variable{*environment};
        const std::size_t equals = variable.find('=');
        if (!variable.starts_with(kPrefix) || equals == std::string_view::npos) {
            continue;
        }
        const std::string name = to_lower(variable.substr(kPrefix.size(), equals - kPrefix.size()));
        const bool is_meant = table_->find(name) != nullptr || !table_->nearest(name).empty();
        if (is_meant && !SettingTable::is_variable(name)) {
            apply(name, variable.substr(equals + 1), std::string{variable.substr(0, equals)});
        }
    }
}

void SettingsReader::apply_flag(std::string_view name, std::string_view text) {
    std::string known{name};
    std::replace(known.begin(), known.end(), '-', '_');
    std::string flag{name};
    std::replace(flag.begin(), flag.end(), '_', '-');
    apply(known, text, "--" + flag);
}

void SettingsReader::apply_assignment(std::string_view assignment) {
    const std::size_t equals = std::min(assignment.find('='), assignment.size());
    std::string name{trim(assignment.substr(0, equals))};
    std::replace(name.begin(), name.end(), '-', '_');
    if (equals < assignment.size()) {
        apply(name, trim(assignment.substr(equals + 1)), "--set");
        return;
    }
    const SettingRow* known = table_->find(table_->find(name) != nullptr ? name : table_->nearest(name));
    const SettingRow& example = known != nullptr ? *known : *table_->find("ping_interval");
    problems_.push_back("--set: " + in_quotes(assignment) + " is not NAME=VALUE, as in --set " +
                        std::string{example.name} + '=' + value_text(defaults_, example));
}

void SettingsReader::apply(std::string_view name, std::string_view text, const std::string& origin) {
    const SettingRow* row = table_->find(name);
    if (row == nullptr) {
        const std::string_view meant = table_->nearest(name);
        problems_.push_back(origin + ": there is no setting " + in_quotes(name) +
                            (meant.empty() ? "" : "; did you mean '" + std::string{meant} + "'?") + more_about(name));
        return;
    }
    const auto complain = [&](const std::string& problem) {
        problems_.push_back(origin + ": " + std::string{name} + ": " + in_quotes(text) + ' ' + problem);
    };
    if (std::any_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; })) {
        complain("has control characters");
        return;
    }
    if (is_quoted(text)) {
        complain("stands in quotes: write it without");
        return;
    }
    if (const auto problem = store(settings_, *row, text)) {
        complain(*problem + more_about(text));
        return;
    }
    origins_.insert_or_assign(std::string{name}, origin);
}

const Settings& SettingsReader::settings() const {
    if (!problems_.empty()) {
        throw SettingsError(problems_);
    }
    return settings_;
}

std::vector<SettingInForce> SettingsReader::describe() const {
    Settings defaults_in_debug = defaults_;
    defaults_in_debug.debug = true;
    std::vector<SettingInForce> settings;
    for (const SettingRow& row : table_->rows()) {
        const auto origin = origins_.find(row.name);
        const bool is_debug = row.member == SettingMember{&Settings::debug};
        const bool is_secret = row.member == SettingMember{&Settings::live_token} && !settings_.live_token.empty();
        settings.push_back({row.name, row.unit, value_text(defaults_, row),
                            is_secret ? "(secret)" : value_text(settings_, row),
                            origin == origins_.end() ? "default" : origin->second, row.reason,
                            value_text(is_debug ? defaults_ : defaults_in_debug, row)});
    }
    return settings;
}

}  // namespace c10k
