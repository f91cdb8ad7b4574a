#include "c10k/json.hpp"
#include "c10k/manage.hpp"
#include "c10k/text.hpp"
#include "loop/backends.hpp"
#include "manage/commands.hpp"
#include "manage/machine.hpp"
#include "web/site.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace c10k {
namespace {

bool is_error(const CheckMessage& message) { return message.level == CheckMessage::Level::kError; }

// All that there is to say.
struct Findings {
    std::vector<CheckMessage> messages;
    std::vector<SettingInForce> settings_in_force;
    Settings settings;
    Machine machine;

    [[nodiscard]] std::size_t errors() const {
        return static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(), is_error));
    }

    // The limits with a backend that is perhaps not the one in force.
    [[nodiscard]] std::vector<MachineLimit> limits_with(const std::string& backend) const {
        Settings other = settings;
        other.backend = backend;
        return limits(machine, other);
    }
};

// The backends that auto chooses among.
std::vector<std::string> backend_names() {
    std::vector<std::string> names;
    for (const NamedBackend& one : kBackends) {
        if (one.choice != BackendChoice::kAuto) {
            names.emplace_back(one.name);
        }
    }
    return names;
}

// ---- For people

// "1,003,600"
std::string grouped(std::uint64_t number) {
    std::string text = number == Machine::kUnlimited ? "no end of" : std::to_string(number);
    for (std::size_t at = text.size(); at > 3 && number != Machine::kUnlimited; at -= 3) {
        text.insert(at - 3, 1, ',');
    }
    return text;
}

void print_messages(const Findings& findings) {
    std::puts("System checks:");
    for (const CheckMessage& message : findings.messages) {
        std::printf("  %s\n", to_text(message).c_str());
    }
    const std::size_t warnings = findings.messages.size() - findings.errors();
    std::printf("  %zu error%s, %zu warning%s\n", findings.errors(), findings.errors() == 1 ? "" : "s", warnings,
                warnings == 1 ? "" : "s");
}

// The settings that were set, a line each.
void print_own_settings(const std::vector<SettingInForce>& settings) {
    const auto is_set = [](const SettingInForce& setting) { return setting.origin != "default"; };
    if (std::none_of(settings.begin(), settings.end(), is_set)) {
        return;
    }
    std::puts("\nSettings that are set:");
    for (const SettingInForce& setting : settings) {
        if (is_set(setting)) {
            std::printf("  %s = %s, from %s\n", std::string{setting.name}.c_str(), printable(setting.value).c_str(),
                        printable(setting.origin).c_str());
        }
    }
}

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

void print_limits(const std::vector<MachineLimit>& limits) {
    for (const MachineLimit& limit : limits) {
        std::printf("  %s = %s: %s connections %s\n", limit.name.c_str(), limit.value.c_str(),
                    grouped(limit.connections).c_str(), std::string{to_text(limit.of)}.c_str());
        std::printf("      %s\n", limit.meaning.c_str());
        if (!limit.command.empty()) {
            std::printf("      # %s\n", limit.command.c_str());
        }
    }
}

std::string workers_of(const Settings& settings) {
    return std::to_string(settings.workers) + (settings.workers == 1 ? " worker" : " workers");
}

void print_machine(const Findings& findings) {
    std::printf("\nWhat this machine allows %s with %s (commands for root; none where a million fit):\n",
                backend_in_force(findings.machine, findings.settings).c_str(), workers_of(findings.settings).c_str());
    print_limits(limits(findings.machine, findings.settings));
}

void print_connections(const Findings& findings) {
    const std::string chosen = backend_in_force(findings.machine, findings.settings);
    const std::string workers = workers_of(findings.settings);
    std::printf("\nConnections that fit here, with %s:\n", workers.c_str());
    for (const std::string& backend : backend_names()) {
        const std::vector<MachineLimit> limits = findings.limits_with(backend);
        const MachineLimit& least = *narrowest(limits, MachineLimit::Of::kHeld);
        std::printf("  %-8s  %14s  %s is what limits it%s\n", backend.c_str(), grouped(least.connections).c_str(),
                    least.name.c_str(), backend == chosen ? "; in force" : "");
        if (!least.command.empty()) {
            std::printf("  %-8s  %14s  # %s\n", "", "", least.command.c_str());
        }
    }
    const std::vector<MachineLimit> found = limits(findings.machine, findings.settings);
    if (const MachineLimit* const least = narrowest(found, MachineLimit::Of::kStreams)) {
        std::printf("  %-8s  %14s  streams; %s is what limits them\n", "HTTP/2", grouped(least->connections).c_str(),
                    least->name.c_str());
    }
}

void print_text(const Findings& findings) {
    print_messages(findings);
    print_own_settings(findings.settings_in_force);
    print_connections(findings);
    std::puts("\n`manage check --all` lists each setting with its reason, and each limit of this machine.");
}

void print_all_text(const Findings& findings) {
    print_messages(findings);
    print_settings(findings.settings_in_force);
    print_machine(findings);
    print_connections(findings);
}

// ---- For programs

using Json = nlohmann::ordered_json;

Json to_json(const Machine::Number& number) { return number ? Json(*number) : Json(nullptr); }

Json to_json(const BackendFacts& backend) {
    return {{"refusal", backend.refusal},
            {"sockets_of_a_loop", backend.sockets},
            {"incremental_buffers", backend.incremental_buffers}};
}

// The names are those of the struct's members, whose comments say more.
Json to_json(const Machine& machine) {
    Json json{
        {"cores", machine.cores},
        {"open_files", to_json(machine.open_files)},
        {"open_files_hard", to_json(machine.open_files_hard)},
        {"nr_open", to_json(machine.nr_open)},
        {"files_in_use", to_json(machine.files_in_use)},
        {"file_max", to_json(machine.file_max)},
        {"first_port", to_json(machine.first_port)},
        {"last_port", to_json(machine.last_port)},
        {"somaxconn", to_json(machine.somaxconn)},
        {"syncookies", to_json(machine.syncookies)},
        {"max_syn_backlog", to_json(machine.max_syn_backlog)},
        {"tcp_pages", to_json(machine.tcp_pages)},
        {"conntrack_count", to_json(machine.conntrack_count)},
        {"conntrack_max", to_json(machine.conntrack_max)},
        {"memory", to_json(machine.memory)},
        {"group_memory", machine.group_memory ? Json(machine.group_memory->bytes) : Json(nullptr)},
        {"io_uring_disabled", to_json(machine.io_uring_disabled)},
        {"epoll", to_json(machine.epoll)},
        {"io_uring", to_json(machine.io_uring)},
    };
    return json;
}

void print_json(const Findings& findings) {
    Json json{{"checks", Json::array()}, {"settings", Json::array()}};
    for (const CheckMessage& message : findings.messages) {
        json["checks"].push_back({{"id", message.id},
                                  {"level", is_error(message) ? "error" : "warning"},
                                  {"text", message.text},
                                  {"hint", message.hint}});
    }
    for (const SettingInForce& setting : findings.settings_in_force) {
        json["settings"].push_back({{"name", setting.name},
                                    {"value", setting.value},
                                    {"default", setting.default_value},
                                    {"default_in_debug", setting.default_in_debug},
                                    {"origin", setting.origin},
                                    {"unit", setting.unit},
                                    {"reason", setting.reason}});
    }
    json["machine"] = to_json(findings.machine);
    json["backend"] = backend_in_force(findings.machine, findings.settings);
    json["limits"] = Json::array();
    for (const MachineLimit& limit : limits(findings.machine, findings.settings)) {
        json["limits"].push_back({{"name", limit.name},
                                  {"value", limit.value},
                                  {"connections", limit.connections},
                                  {"of", to_text(limit.of)},
                                  {"meaning", limit.meaning},
                                  {"command", limit.command}});
    }
    for (const std::string& backend : backend_names()) {
        const std::vector<MachineLimit> found = findings.limits_with(backend);
        json["connections"][backend] = narrowest(found, MachineLimit::Of::kHeld)->connections;
    }
    const std::vector<MachineLimit> found = limits(findings.machine, findings.settings);
    const MachineLimit* const streams = narrowest(found, MachineLimit::Of::kStreams);
    json["streams"] = to_json(streams != nullptr ? Machine::Number{streams->connections} : std::nullopt);
    // Settings may hold bytes that are no UTF-8.
    std::puts(json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

}  // namespace

void check(const SiteFactory& site, const SettingsReader& reader, Format format) {
    Findings findings{{}, reader.describe(), reader.settings(), look_at_machine()};
    inspect_site(site, findings.settings, [&](const HostedSite& hosted) { findings.messages = hosted.check(); });
    for (CheckMessage& message : check_machine(findings.machine, findings.settings)) {
        findings.messages.push_back(std::move(message));
    }
    switch (format) {
        case Format::kText: print_text(findings); break;
        case Format::kAllText: print_all_text(findings); break;
        case Format::kJson: print_json(findings); break;
    }
    if (findings.errors() > 0) {
        throw CommandError("the checks found " + std::to_string(findings.errors()) + " errors");
    }
}

}  // namespace c10k
