#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// What can be set from outside. SettingsReader::describe() has the unit of each and the reason for it.
struct Settings {
    std::string host = "127.0.0.1";
    std::uint32_t port = 8000;
    std::string backend = "auto";
    std::uint32_t workers = 1;
    std::uint32_t backlog = 4096;
    std::vector<std::string> tls_certificate = {};
    std::vector<std::string> tls_key = {};
    std::uint32_t max_connections = 1024 * 1024;
    std::uint32_t max_connections_per_address = 0;
    std::uint32_t max_newcomers = 16 * 1024;

    bool debug = false;
    std::uint32_t verbosity = 1;
    std::vector<std::string> allowed_hosts = {};
    std::vector<std::string> allowed_origins = {};
    std::vector<std::string> trusted_proxies = {};
    bool proxy_protocol = false;
    std::vector<std::string> template_folders = {};
    std::vector<std::string> static_folders = {};

    std::uint32_t max_request_line_bytes = 8 * 1024;
    std::uint32_t max_head_bytes = 16 * 1024;
    std::uint32_t max_header_fields = 100;
    std::uint32_t max_body_bytes = 1024 * 1024;
    std::chrono::milliseconds head_time{10'000};
    std::chrono::milliseconds body_time{30'000};
    std::uint32_t min_body_rate = 500;
    std::chrono::milliseconds body_grace{5'000};
    std::chrono::milliseconds idle_time{75'000};
    std::chrono::milliseconds write_time{30'000};
    std::uint32_t min_response_rate = 500;
    std::chrono::milliseconds half_closed_time{5'000};
    std::chrono::seconds keepalive_time{60};
    std::chrono::milliseconds shutdown_time{8'000};
    std::chrono::milliseconds restart_grace{500};
    std::uint32_t drain_rate = 10'000;

    std::chrono::milliseconds handshake_time{10'000};
    std::uint32_t max_message_bytes = 1024 * 1024;
    bool compression = false;
    std::uint32_t compression_from_bytes = 256;
    bool compression_context_takeover = false;
    std::uint32_t compression_window_bits = 12;
    std::uint32_t max_fragment_bytes = 0;
    std::uint32_t max_fragments = 128 * 1024;
    std::chrono::milliseconds message_time{120'000};
    std::uint32_t inbox_bytes = 64 * 1024;
    std::uint32_t outbox_bytes = 64 * 1024;
    std::uint32_t kernel_unsent_bytes = 128 * 1024;
    std::uint32_t slow_bytes = 1024 * 1024;
    std::chrono::milliseconds slow_time{5'000};
    std::uint32_t slow_limit_bytes = 16 * 1024 * 1024;
    std::uint32_t mailbox_bytes = 64 * 1024 * 1024;
    std::chrono::seconds ping_interval{20};
    std::chrono::seconds ping_timeout{20};
    std::chrono::milliseconds close_time{5'000};
};

// All that is wrong with the settings; what() has one line for each.
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
