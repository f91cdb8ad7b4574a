#include "manage/setting_options.hpp"

#include "c10k/manage.hpp"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <filesystem>
#include <unistd.h>

namespace c10k {
namespace {

struct ListeningAddress {
    std::string host;  // "" if the text names none
    std::string port;

    // Throws CommandError.
    static ListeningAddress parse(const std::string& text);
};

ListeningAddress ListeningAddress::parse(const std::string& text) {
    const auto refuse = [&text](const std::string& why, const std::string& spelling) {
        throw CommandError("the address '" + text + "' " + why + ": write " + spelling);
    };
    const Settings defaults;
    if (text.starts_with("unix:")) {
        return {text, std::to_string(defaults.port)};
    }
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) {
        return {"", text};
    }
    if (const std::size_t mark = text.find("://"); mark != std::string::npos) {
        const std::string rest = text.substr(mark + 3);
        refuse("is a URL", rest.substr(0, rest.find('/')));
    }
    if (text.starts_with('/') || text.starts_with("./")) {
        refuse("is a path", "unix:" + text);
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || text.ends_with(']')) {
        refuse("has no port", (text.empty() ? defaults.host : text) + ':' + std::to_string(defaults.port));
    }
    const std::string host = text.substr(0, colon);
    if (host.empty()) {
        refuse("has no host", "*" + text + " for all that this machine has, or " + defaults.host + text);
    }
    if (host.find(':') != std::string::npos && !host.starts_with('[')) {
        refuse("leaves open where its port begins",
               '[' + text + "]:" + std::to_string(defaults.port) + ", or [" + host + "]:" + text.substr(colon + 1));
    }
    return {host, text.substr(colon + 1)};
}

}  // namespace

void SettingOptions::add_to(CLI::App& command) {
    command
        .add_option("--settings", file_,
                    "A file of settings, one `name = value` per line; c10k.conf by default, if it exists")
        ->type_name("FILE");
    command
        .add_option("--set", assignments_, "Sets one setting: --set ping_interval=10s (manage check --all lists them)")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
}

void SettingOptions::add_address_to(CLI::App& command, const std::string& help) {
    command.add_option("address", address_, help)->type_name("ADDRESS");
}

CLI::Option* SettingOptions::add_setting(CLI::App& command, const std::string& names, const std::string& setting,
                                         const std::string& help) {
    return command.add_option_function<std::string>(
        names, [this, setting](const std::string& text) { set(setting, text); }, help);
}

SettingsReader SettingOptions::read() const {
    SettingsReader reader = this->reader();
    if (file_) {
        if (file_->empty()) {
            throw CommandError("--settings: the name of the file is empty");
        }
        reader.read_file(*file_);
    } else if (std::filesystem::exists(SettingsReader::kDefaultFile)) {
        reader.read_file(SettingsReader::kDefaultFile);
    }
    reader.read_environment(environ);
    for (const std::string& assignment : assignments_) {
        reader.apply_assignment(assignment);
    }
    for (const auto& [name, value] : flags_) {
        reader.apply_flag(name, value);
    }
    if (address_) {
        const ListeningAddress address = ListeningAddress::parse(*address_);
        if (!address.host.empty()) {
            reader.apply("host", address.host, "the address " + *address_);
        }
        reader.apply("port", address.port, "the address " + *address_);
    }
    return reader;
}

}  // namespace c10k
