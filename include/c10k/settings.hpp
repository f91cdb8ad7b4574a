#pragma once

#include "c10k/app_setting.hpp"
#include "c10k/limits.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace c10k {

class SettingTable;

// The settings of a program: the limits of a server and of run_blocking(), the fields declared here, and those of apps.
// SettingsReader::describe() has the bounds and the reason of each.
//
// A list has no entries by default.
struct Settings : ServerLimits, BlockingLimits {
    // Where to listen: an address, a name, "*" for everything, or "unix:PATH".
    std::string host = "127.0.0.1";
    std::uint32_t port = 8000;
    // "auto", "epoll" or "io_uring".
    std::string backend = "auto";
    // Loops, each on a thread of its own.
    std::uint32_t workers = 1;
    // PEM files: certificates with their chains, and their keys in the same order.
    std::vector<std::string> tls_certificate = {};
    std::vector<std::string> tls_key = {};

    // Whether error pages show what went wrong.
    bool debug = false;
    // 0: logs failures only, 1: also requests, 2: also each WebSocket.
    std::uint32_t verbosity = 1;
    // The names of this server besides the machine's own: "example.com", ".example.com" or "*".
    std::vector<std::string> allowed_hosts = {};
    // Sites whose pages may open WebSockets here: "https://example.com".
    std::vector<std::string> allowed_origins = {};
    // Searched before the site's own.
    std::vector<std::string> template_folders = {};
    std::vector<std::string> static_folders = {};

    // The dashboard: "on", "off", or "auto": on while the site is developed, with debug or a reloading runserver.
    std::string live = "auto";
    // Where it listens; port 0 is any that is free.
    std::string live_host = "127.0.0.1";
    std::uint32_t live_port = 0;
    // Who has it may look: at least 16 characters, or "" for a new one at each start.
    std::string live_token = {};
    // Who may close WebSockets and follow their messages: "off", "loopback", "all", or "auto": loopback while the site
    // is developed, else nobody.
    std::string live_control = "auto";

    // How WebSockets compress their messages on routes that do not say (see Compression).
    bool compression = false;
    std::uint32_t compression_from_bytes = 256;
    bool compression_context_takeover = false;
    std::uint32_t compression_window_bits = 12;

    // How long WebSockets go on after another program has taken over.
    std::chrono::milliseconds restart_grace{500};

    // The folder that gets a recording of the WebSockets; "": there is none.
    std::string record = {};
    // Bytes that are recorded of one WebSocket, and of all: payloads, and 64 for each message.
    std::uint32_t record_connection_bytes = 1024 * 1024;
    std::uint32_t record_bytes = 256 * 1024 * 1024;
    bool record_payloads = true;
    // What a recording leaves out of texts: a regular expression.
    std::string record_redact = {};

    // What the settings of apps were set to, by their names; get() also knows their defaults.
    std::map<std::string, internal::SettingValue, std::less<>> of_apps = {};

    // The value of a setting that an app has declared.
    template <typename T>
    [[nodiscard]] T get(const AppSetting<T>& setting) const {
        const auto set = of_apps.find(setting.name);
        return set != of_apps.end() ? internal::from_stored(setting, set->second)
               : debug              ? setting.default_in_debug.value_or(setting.default_value)
                                    : setting.default_value;
    }
    // Sets it, as tests do. Nothing checks its bounds.
    template <typename T>
    void set(const AppSetting<T>& setting, std::type_identity_t<T> value) {
        of_apps.insert_or_assign(std::string{setting.name}, internal::to_stored(setting, std::move(value)));
    }
};

// The faults of the settings; what() has one line for each.
class SettingsError : public std::runtime_error {
public:
    explicit SettingsError(std::vector<std::string> problems);

    [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

private:
    std::vector<std::string> problems_;
};

// A setting as people read it.
struct SettingInForce {
    std::string_view name;
    std::string_view unit;  // "" if it has none
    std::string default_value;
    std::string value;
    std::string origin;  // "default", "c10k.conf:3", "C10K_PORT", "--port"
    std::string_view reason;
    std::string default_in_debug;  // where `debug` is on
};

// Puts settings together. A later call goes before an earlier one: file, then environment, then flags.
//
// The reader collects all mistakes, and settings() throws them together. Texts are numbers, of bytes also with KiB, MiB
// or GiB, true or false, lists with commas, and times such as "250ms", "10s", "1.5m", "1h" or, in seconds, "10".
class SettingsReader {
public:
    // The file that is read if it exists and no other is named.
    static constexpr std::string_view kDefaultFile = "c10k.conf";

    // Reads the settings of the framework and those of apps. Throws std::logic_error if two have the same name, or one
    // has no reason, a name that nobody can write, or a default out of its bounds.
    explicit SettingsReader(Settings defaults = {}, AppSettings of_apps = {});

    // Lines "name = value", in UTF-8; a "#" in front makes one a comment.
    void read_file(const std::filesystem::path& file);
    // C10K_PORT=8000 and so on. Other names that begin with C10K_ are left alone, unless they look misspelt.
    // Requires: `environment` is one as in environ, with a null pointer at the end. Not checked: an array does not tell
    // its size.
    void read_environment(const char* const* environment);
    // `name` may have "-" for "_".
    void apply_flag(std::string_view name, std::string_view text);
    // "ping_interval=10s", as --set has it.
    void apply_assignment(std::string_view assignment);

    // Throws SettingsError.
    [[nodiscard]] const Settings& settings() const;
    // Every setting, in the order of the table.
    [[nodiscard]] std::vector<SettingInForce> describe() const;

    // `origin` says where the text stands, for messages and for describe().
    void apply(std::string_view name, std::string_view text, const std::string& origin);

private:
    void read_line(std::string_view line, const std::string& origin);

    std::shared_ptr<const SettingTable> table_;
    Settings defaults_;
    Settings settings_;
    std::map<std::string, std::string, std::less<>> origins_;  // of those that are not the defaults
    std::vector<std::string> problems_;
};

}  // namespace c10k
