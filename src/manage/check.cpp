#include "manage/commands.hpp"

#include "c10k/manage.hpp"
#include "manage/file_limit.hpp"
#include "web/site.hpp"

#include <algorithm>
#include <cstdio>

namespace c10k {
namespace {

void print_settings(const std::vector<SettingInForce>& settings) {
    std::puts("\nSettings in force (C10K_NAME in the environment, or --set NAME=VALUE):");
    std::size_t width = 0;
    for (const SettingInForce& setting : settings) {
        width = std::max(width, setting.name.size());
    }
    for (const SettingInForce& setting : settings) {
        std::string value = setting.value.empty() ? "(empty)" : setting.value;
        if (!setting.unit.empty()) {
            value += " (" + std::string{setting.unit} + ")";
        }
        std::printf("  %-*.*s  %s, from %s\n", static_cast<int>(width), static_cast<int>(setting.name.size()),
                    setting.name.data(), value.c_str(), setting.origin.c_str());
        std::printf("  %-*s    %.*s\n", static_cast<int>(width), "", static_cast<int>(setting.reason.size()),
                    setting.reason.data());
    }
}

}  // namespace

void check(const SiteFactory& site, const SettingsReader& reader) {
    std::vector<CheckMessage> messages;
    inspect_site(site, reader.settings(), [&](const HostedSite& hosted) { messages = hosted.check(); });
    std::puts("System checks:");
    std::size_t errors = 0;
    for (const CheckMessage& message : messages) {
        errors += message.level == CheckMessage::Level::kError ? 1 : 0;
        std::printf("  %s\n", to_text(message).c_str());
    }
    std::printf("  %zu errors, %zu warnings\n", errors, messages.size() - errors);
    print_settings(reader.describe());
    std::printf(
        "\nThis process may hold %zu connections (%zu open files; the soft limit is raised to the hard one, and\n"
        "`ulimit -Hn NUMBER` as root raises that).\n",
        connection_limit(), raise_file_limit());
    if (errors > 0) {
        throw CommandError("the checks found " + std::to_string(errors) + " errors");
    }
}

}  // namespace c10k
