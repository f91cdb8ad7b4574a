#pragma once

#include "c10k/limits.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// The settings of a program: the limits of a server and of run_blocking(), and the fields declared here.
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

    // How WebSockets compress their messages on routes that do not say (see Compression).
    bool compression = false;
    std::uint32_t compression_from_bytes = 256;
    bool compression_context_takeover = false;
    std::uint32_t compression_window_bits = 12;

    // How long WebSockets go on after another program has taken over.
    std::chrono::milliseconds restart_grace{500};
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
};

// Puts settings together. A later call goes before an earlier one: file, then environment, then flags.
//
// The reader collects all mistakes, and settings() throws them together. Texts are numbers, of bytes also with KiB, MiB
// or GiB, true or false, lists with commas, and times such as "250ms", "10s", "1.5m", "1h" or, in seconds, "10".
class SettingsReader {
public:
    // The file that is read if it exists and no other is named.
    static constexpr std::string_view kDefaultFile = "c10k.conf";

    explicit SettingsReader(Settings defaults = {});

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

    Settings defaults_;
    Settings settings_;
    std::map<std::string, std::string, std::less<>> origins_;  // of those that are not the defaults
    std::vector<std::string> problems_;
};

}  // namespace c10k
