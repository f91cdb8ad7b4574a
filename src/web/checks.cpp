#include "web/checks.hpp"

#include "base/text.hpp"
#include "c10k/text.hpp"
#include "loop/backends.hpp"
#include "web/entries.hpp"
#include "web/redaction.hpp"
#include "web/setting_rows.hpp"
#include "web/setting_text.hpp"
#include "wire/forwarded.hpp"
#include "wire/host.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>

namespace c10k {
namespace {

CheckMessage warning(std::string id, std::string text, std::string hint) {
    return {CheckMessage::Level::kWarning, std::move(id), std::move(text), std::move(hint)};
}

CheckMessage error(std::string id, std::string text, std::string hint) {
    return {CheckMessage::Level::kError, std::move(id), std::move(text), std::move(hint)};
}

// One error for each entry of a list that is no good.
void check_entries(std::vector<CheckMessage>& messages, std::string id, const std::vector<std::string>& entries,
                   std::string_view what, std::optional<EntryFault> (*fault_of)(std::string_view)) {
    for (const std::string& entry : entries) {
        if (const auto fault = fault_of(entry)) {
            messages.push_back(error(id, "'" + entry + "' in " + std::string{what} + ": " + fault->why, fault->hint));
        }
    }
}

// Checks values that no file, environment or flag can set, but a program can; and sizes that contradict each other.
void check_values(std::vector<CheckMessage>& messages, const Settings& settings) {
    Settings ignored;
    for (const SettingRow& row : setting_rows()) {
        const std::string value = value_text(settings, row);
        if (const auto problem = store(ignored, row, value)) {
            messages.push_back(error("settings.E010", std::string{row.name} + ": '" + value + "' " + *problem, ""));
        }
    }
    for (const SettingOrder& order : setting_orders()) {
        if (settings.*order.smaller > settings.*order.larger) {
            messages.push_back(
                error(std::string{order.check_id},
                      std::string{name_of(order.smaller)} + " is larger than " + std::string{name_of(order.larger)},
                      std::string{order.hint}));
        }
    }
}

// Whether only this machine can reach a server that listens there. A unix socket is reached through a proxy, if at all.
bool is_local(std::string_view listening_host) {
    const bool is_bare_ipv6 = listening_host.find(':') != std::string_view::npos && !listening_host.starts_with('[');
    return wire::host_allowed(is_bare_ipv6 ? '[' + std::string{listening_host} + ']' : std::string{listening_host}, {});
}

// ---- Which paths a route takes

// Texts that a converter takes and, as far as there are such, its narrower siblings do not.
std::vector<std::string> samples(std::string_view converter) {
    if (converter == "int") {
        return {"0", "127", "255", "32767", "65535", "2147483647", "4294967295", "9223372036854775807"};
    }
    if (converter == "slug") {
        return {"a-b_c"};
    }
    if (converter == "uuid") {
        return {"01234567-89ab-cdef-0123-456789abcdef"};
    }
    if (converter == "path") {
        return {"a~b/c", "a~b", "a~b/"};
    }
    return {"a~b"};
}

// A path for each sample that the route matches.
std::vector<std::string> sample_paths(const Route& route) {
    std::vector<std::string> paths{""};
    for (internal::PatternReader pieces{route.pattern()}; !pieces.at_end();) {
        const internal::PatternPiece piece = pieces.next();
        const std::vector<std::string> texts =
            piece.is_capture() ? samples(piece.converter) : std::vector{std::string{piece.literal}};
        std::vector<std::string> longer;
        for (std::size_t at = 0; at < std::max(paths.size(), texts.size()); ++at) {
            longer.push_back(paths[at % paths.size()] + texts[at % texts.size()]);
        }
        paths = std::move(longer);
    }
    std::erase_if(paths, [&route](const std::string& path) { return !route.match(path); });
    return paths;
}

bool hides(const Route& earlier, const std::vector<std::string>& paths) {
    return !paths.empty() && std::all_of(paths.begin(), paths.end(), [&earlier](const std::string& path) {
        return earlier.match(path).has_value();
    });
}

}  // namespace

std::string to_text(const CheckMessage& message) {
    return message.id + ": " + message.text + (message.hint.empty() ? "" : " (" + message.hint + ')');
}

void require_no_error(const std::vector<CheckMessage>& messages) {
    std::string errors;
    for (const CheckMessage& message : messages) {
        if (message.level == CheckMessage::Level::kError) {
            errors += (errors.empty() ? "" : "\n") + to_text(message);
        }
    }
    if (!errors.empty()) {
        throw FailedChecks(errors);
    }
}

void print_error(const std::exception& error) {
    std::string_view rest = error.what();
    if (dynamic_cast<const FailedChecks*>(&error) == nullptr && dynamic_cast<const SettingsError*>(&error) == nullptr) {
        std::fprintf(stderr, "%s\n", printable(rest).c_str());
        return;
    }
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::fprintf(stderr, "%s\n", printable(rest.substr(0, end)).c_str());
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

std::vector<CheckMessage> check_settings(const Settings& settings) {
    std::vector<CheckMessage> messages;
    check_values(messages, settings);
    try {
        static_cast<void>(Redaction{settings.record_redact});
    } catch (const std::runtime_error& fault) {
        messages.push_back(error("settings.E011", fault.what(), ""));
    }
    try {
        static_cast<void>(parse_backend(settings.backend));
    } catch (const std::invalid_argument& unknown) {
        messages.push_back(error("settings.E003", unknown.what(), ""));
    }
    check_entries(messages, "settings.E004", settings.allowed_hosts, "allowed_hosts matches no host", &fault_of_host);
    check_entries(messages, "settings.E005", settings.allowed_origins, "allowed_origins matches no origin",
                  &fault_of_origin);
    check_entries(messages, "settings.E006", settings.trusted_proxies, "trusted_proxies trusts nobody",
                  &fault_of_proxy);
    if (const auto fault = fault_of_listening_host(settings.host)) {
        messages.push_back(error("settings.E009",
                                 "nobody can listen on the host '" + settings.host + "': " + fault->why, fault->hint));
    }
    if (settings.proxy_protocol && settings.trusted_proxies.empty()) {
        messages.push_back(
            error("settings.E008", "proxy_protocol is on, and trusted_proxies is empty", "nobody could connect"));
    }
    if (settings.live_host.starts_with("unix:")) {
        messages.push_back(error("settings.E011", "live_host is a unix socket", "browsers cannot reach it"));
    } else if (const auto fault = fault_of_listening_host(settings.live_host)) {
        messages.push_back(error("settings.E011",
                                 "nobody can listen on the live_host '" + settings.live_host + "': " + fault->why,
                                 fault->hint));
    }
    constexpr std::size_t kLeastTokenBytes = 16;
    if (!settings.live_token.empty() && settings.live_token.size() < kLeastTokenBytes) {
        messages.push_back(error("settings.E012", "live_token is shorter than 16 characters", "it could be guessed"));
    } else if (!settings.live_token.empty() && !is_token(settings.live_token)) {
        messages.push_back(error("settings.E012", "live_token has other characters than letters, digits and -._~",
                                 "it is part of an address, and a subprotocol"));
    }
    if (settings.live != "off" && !is_local(settings.live_host) && settings.tls_certificate.empty()) {
        messages.push_back(warning("security.W003", "the dashboard listens on '" + settings.live_host + "' without TLS",
                                   "its token can be read on the way: set tls_certificate, or reach it by a tunnel"));
    }
    const bool has_unix_socket = settings.host.starts_with("unix:");
    const bool is_reached_by_others = !is_local(settings.host);
    if (is_reached_by_others && settings.allowed_hosts.empty()) {
        messages.push_back(warning("security.W001", "allowed_hosts is empty, so others than this machine get 400",
                                   "set it to the names this server is called by"));
    }
    if (is_reached_by_others && !has_unix_socket && settings.debug) {
        messages.push_back(warning("security.W002", "debug is on, and others than this machine can see it",
                                   "debug pages show what is inside"));
    }
    return messages;
}

std::vector<CheckMessage> check_urls(const Urls& urls) {
    std::vector<CheckMessage> messages;
    for (auto route = urls.begin(); route != urls.end(); ++route) {
        const std::string pattern = "'/" + route->pattern() + '\'';
        const auto same_name = std::find_if(urls.begin(), route, [&route](const Route& earlier) {
            return !route->name().empty() && earlier.name() == route->name();
        });
        if (same_name != route) {
            messages.push_back(warning(
                "urls.W001",
                "'/" + same_name->pattern() + "' and " + pattern + " have the same name, '" + route->name() + '\'',
                "reverse() takes the first that takes its arguments"));
        }
        const std::vector<std::string> paths = sample_paths(*route);
        const auto hidden_by =
            std::find_if(urls.begin(), route, [&paths](const Route& earlier) { return hides(earlier, paths); });
        if (hidden_by != route) {
            messages.push_back(
                warning("urls.W002",
                        "no path reaches " + pattern + ": '/" + hidden_by->pattern() + "' comes first and takes it",
                        "put the narrower route in front"));
        }
    }
    return messages;
}

std::vector<CheckMessage> check_folders(std::string_view subject, const std::vector<std::filesystem::path>& folders) {
    std::vector<CheckMessage> messages;
    for (const std::filesystem::path& folder : folders) {
        std::error_code unknown;
        if (!std::filesystem::is_directory(folder, unknown)) {
            messages.push_back(warning(std::string{subject} + ".W001", "there is no folder " + folder.string(), ""));
        }
    }
    return messages;
}

}  // namespace c10k
