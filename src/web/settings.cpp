#include "c10k/settings.hpp"

#include "base/spelling.hpp"
#include "base/text.hpp"
#include "c10k/text.hpp"

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

using Member = std::variant<std::string Settings::*, bool Settings::*, std::uint32_t Settings::*,
                            milliseconds Settings::*, seconds Settings::*, std::vector<std::string> Settings::*>;

struct Entry {
    std::string_view name;
    std::string_view unit;
    Member member;
    std::string_view reason;
    // Of numbers, and of times in milliseconds.
    std::uint64_t least = 0;
    std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
};

constexpr std::uint64_t kOneKiB = std::uint64_t{1} << 10;
constexpr std::uint64_t kOneMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kOneGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kOneHour = 3'600'000;
constexpr std::uint64_t kOneSecond = 1'000;

constexpr std::array kTable{
    Entry{
        "host", "", &Settings::host,
        "Where to listen: an address or a name, on all that it means; * for everything; or unix:PATH, a socket in the "
        "file system. 127.0.0.1 is seen by nobody else; 0.0.0.0, :: and * by everybody."},
    Entry{"port", "", &Settings::port, "The port to listen on; 0 takes any that is free.", 0, 65'535},
    Entry{"backend", "", &Settings::backend,
          "How a loop talks to the kernel: epoll, io_uring, or auto: io_uring where the kernel allows it."},
    Entry{"workers", "loops", &Settings::workers,
          "Each has a thread, a listening socket and the connections that come to it: one for each core that is to "
          "serve.",
          1, 64},
    Entry{"backlog", "connections", &Settings::backlog,
          "How many the kernel completes before we take them: room for a burst. net.core.somaxconn caps it.", 1,
          65'535},
    Entry{
        "tls_certificate", "", &Settings::tls_certificate,
        "Files in PEM, with which the port speaks TLS and nothing else: each a certificate, then those between it and "
        "the authority. Of several, a client is shown that for the name it asks for, else the first."},
    Entry{"tls_key", "", &Settings::tls_key,
          "The files of their private keys, in the same order. SIGHUP has all of them read anew."},
    Entry{"max_connections", "", &Settings::max_connections,
          "Over all loops; 503 beyond it, so that what memory and descriptors there are serve those who are here. "
          "Descriptors end before it on most machines.",
          1},
    Entry{"max_connections_per_address", "", &Settings::max_connections_per_address,
          "503 beyond it; 0: no limit, since a whole company or a mobile network may have one address. An IPv6 address "
          "counts with all of its /64. Those of trusted_proxies are not counted."},
    Entry{"max_newcomers", "", &Settings::max_newcomers,
          "Connections whose first request has not come whole. The workers divide it evenly. One that has its share "
          "accepts no more until some have made their request, and ends those that are late: after half of head_time, "
          "or sooner while only that makes room.",
          1},
    Entry{"debug", "", &Settings::debug,
          "Error pages tell what went wrong, and changed templates are read again. Not for strangers: off by default."},
    Entry{"verbosity", "", &Settings::verbosity,
          "0 logs failures only, 1 also requests, and WebSockets in sum when they are many, 2 each WebSocket.", 0, 2},
    Entry{
        "allowed_hosts", "", &Settings::allowed_hosts,
        "The names this server is called by: a name, .example.com for all below it too, or *. A request for another is "
        "refused, so that no link is built from a lie. The machine itself is always allowed."},
    Entry{"allowed_origins", "", &Settings::allowed_origins,
          "Whose pages may open WebSockets here besides our own, such as https://example.com: a browser sends cookies "
          "along whoever asks."},
    Entry{"trusted_proxies", "", &Settings::trusted_proxies,
          "Addresses and networks, such as 127.0.0.1 or 10.0.0.0/8, and unix: for clients of a unix socket, whose "
          "X-Forwarded-For and X-Forwarded-Proto are believed: anybody can write them."},
    Entry{"proxy_protocol", "", &Settings::proxy_protocol,
          "Each connection begins with a header of the PROXY protocol, version 1 or 2, that says whom it is from; only "
          "trusted_proxies may connect then, because anybody can write one."},
    Entry{"template_folders", "", &Settings::template_folders, "Searched for templates before those of the site."},
    Entry{"static_folders", "", &Settings::static_folders, "Searched for static files before those of the site."},
    Entry{"max_request_line_bytes", "bytes", &Settings::max_request_line_bytes,
          "414 beyond it; 8000 is what everybody must take (RFC 9112, 3).", 64, 1 << 20},
    Entry{"max_head_bytes", "bytes", &Settings::max_head_bytes,
          "431 beyond it: what one connection can make us hold before it is known what it wants.", 128, 1 << 20},
    Entry{"max_header_fields", "", &Settings::max_header_fields, "431 beyond it; browsers send about twenty.", 1,
          10'000},
    Entry{"max_body_bytes", "bytes", &Settings::max_body_bytes, "413 beyond it: a request is held in memory whole.", 0,
          kOneGiB},
    Entry{"head_time", "s", &Settings::head_time,
          "From the first byte to the end of a request's head: slow clients must not pile up.", 1, kOneHour},
    Entry{"body_time", "s", &Settings::body_time, "From there to the end of the body.", 1, kOneHour},
    Entry{"min_body_rate", "bytes/s", &Settings::min_body_rate,
          "408 for a body that is slower on the average: it holds memory for as long as it takes. 0: body_time only."},
    Entry{"body_grace", "s", &Settings::body_grace, "From the start of a body on, min_body_rate does not hold.", 1,
          kOneHour},
    Entry{"idle_time", "s", &Settings::idle_time,
          "Between two requests on one connection; longer than the minute that proxies wait.", 1, kOneHour},
    Entry{"write_time", "s", &Settings::write_time, "How long a client may take nothing of an answer.", 1, kOneHour},
    Entry{
        "min_response_rate", "bytes/s", &Settings::min_response_rate,
        "A client that takes less of an answer, on the average over write_time, is cut off: what is unsent is held in "
        "memory. 0: write_time only."},
    Entry{"half_closed_time", "s", &Settings::half_closed_time,
          "For a page's view or a stream to end when its client has finished sending: it is stopped then, since most "
          "such "
          "clients have gone.",
          0, kOneHour},
    Entry{
        "keepalive_time", "s", &Settings::keepalive_time,
        "Silence of a client's machine, which TCP asks whether it is there, after which a connection is lost: also "
        "where nothing is to be written. Never less than write_time, or than ping_interval and ping_timeout together.",
        kOneSecond, kOneHour},
    Entry{"shutdown_time", "s", &Settings::shutdown_time,
          "For requests and WebSockets to end when the server stops; those left are cut. Docker waits ten seconds in "
          "all.",
          1, kOneHour},
    Entry{"restart_grace", "s", &Settings::restart_grace,
          "How long WebSockets go on when another program has taken over, before they are closed with 1012.", 0,
          kOneHour},
    Entry{"drain_rate", "connections/s", &Settings::drain_rate,
          "How fast a server that ends closes its WebSockets: who is told to go comes back at once. Faster if half of "
          "shutdown_time would not do.",
          1, 10'000'000},
    Entry{"handshake_time", "s", &Settings::handshake_time,
          "For a view to accept or refuse a WebSocket, 503 after that: nobody waits for ever.", 1, kOneHour},
    Entry{"max_message_bytes", "bytes", &Settings::max_message_bytes,
          "Closed with 1009 beyond it: a message is held in memory whole.", 1, kOneGiB},
    Entry{"max_fragment_bytes", "bytes", &Settings::max_fragment_bytes,
          "Of one frame of a message that comes in several; closed with 1009 beyond it. 0: as large as the message, "
          "which holds all of them.",
          0, kOneGiB},
    Entry{"max_fragments", "", &Settings::max_fragments,
          "Frames of one message, which may be empty: work without bytes. Closed with 1008 beyond it.", 1,
          (1 << 24) - 1},
    Entry{"message_time", "s", &Settings::message_time,
          "From the first byte of a message to its last; closed with 1008 after that: what has come of it is held. A "
          "megabyte at 9 KB/s.",
          1, kOneHour},
    Entry{
        "compression", "", &Settings::compression,
        "Whether WebSockets of routes that say nothing compress their messages (permessage-deflate) if the client can: "
        "off, since it takes several times the CPU of all the rest."},
    Entry{"compression_from_bytes", "bytes", &Settings::compression_from_bytes,
          "Smaller messages go as they are: what would be saved is not worth the time.", 0, kOneGiB},
    Entry{"compression_context_takeover", "", &Settings::compression_context_takeover,
          "Whether a message may refer to those before it: small, similar ones get several times smaller, but each "
          "WebSocket keeps tens of kilobytes."},
    Entry{
        "compression_window_bits", "", &Settings::compression_window_bits,
        "How far a message may refer back: 12 is 4 KiB, and takes an eighth of the memory of 15. 8 means 9, unless the "
        "peer asks for 8.",
        8, 15},
    Entry{"inbox_bytes", "bytes", &Settings::inbox_bytes,
          "Messages that the view has not taken; beyond it nothing more is read, and the client has to wait.", 1,
          kOneGiB},
    Entry{"outbox_bytes", "bytes", &Settings::outbox_bytes,
          "Bytes that the client has not taken; beyond it send() waits.", 1, kOneGiB},
    Entry{
        "kernel_unsent_bytes", "bytes", &Settings::kernel_unsent_bytes,
        "Bytes that the kernel takes of an outbox before it can send them: enough for it to go on until we bring more, "
        "and behind a client that does not read the only ones that no other limit counts.",
        4096, 1 << 24},
    Entry{"slow_bytes", "bytes", &Settings::slow_bytes,
          "Groups do not wait: with more than this to take for slow_time, a member is too slow, and closed with 1013 "
          "unless its route says otherwise.",
          1, kOneGiB},
    Entry{"slow_time", "s", &Settings::slow_time, "One burst must not cost a healthy member its place.", 1, kOneHour},
    Entry{"slow_limit_bytes", "bytes", &Settings::slow_limit_bytes,
          "With more than this to take, a member is too slow at once: memory does not wait for slow_time.", 1, kOneGiB},
    Entry{"mailbox_bytes", "bytes", &Settings::mailbox_bytes,
          "What other loops have sent to a loop that is busy and has not read it. What is more is lost: its members of "
          "that group are closed with 1013, or miss it, as their routes say of slow members.",
          4096, kOneGiB},
    Entry{"ping_interval", "s", &Settings::ping_interval,
          "Silence after which a client is sent a ping: proxies cut what is silent for a minute.", kOneSecond,
          kOneHour},
    Entry{"ping_timeout", "s", &Settings::ping_timeout, "Silence after the ping: the client is gone.", kOneSecond,
          kOneHour},
    Entry{
        "close_time", "s", &Settings::close_time,
        "From our close frame to the end of the connection: who does not answer holds the end of the server no longer.",
        1, kOneHour},
};

// ---- From text to value: the problem, or nothing

struct Problem {
    std::string text;
};

template <typename T>
using Parsed = std::variant<T, Problem>;

Parsed<std::string> parse(const Entry& /*entry*/, std::string_view text, std::string /*tag*/) {
    return std::string{text};
}

Parsed<bool> parse(const Entry& /*entry*/, std::string_view text, bool /*tag*/) {
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

bool is_size(const Entry& entry) { return entry.unit == "bytes"; }

// "65536", and of sizes "64KiB", too.
std::optional<std::uint64_t> parse_number(const Entry& entry, std::string_view text) {
    struct Unit {
        std::string_view suffix;
        std::uint64_t bytes;
    };
    constexpr std::array kUnits{Unit{"KiB", kOneKiB}, Unit{"MiB", kOneMiB}, Unit{"GiB", kOneGiB}};
    const auto unit =
        std::find_if(kUnits.begin(), kUnits.end(), [text](const Unit& known) { return text.ends_with(known.suffix); });
    if (!is_size(entry) || unit == kUnits.end()) {
        return to_number<std::uint64_t>(text);
    }
    const auto count = to_number<std::uint32_t>(trim(text.substr(0, text.size() - unit->suffix.size())));
    return count ? std::optional{*count * unit->bytes} : std::nullopt;
}

Parsed<std::uint32_t> parse(const Entry& entry, std::string_view text, std::uint32_t /*tag*/) {
    const auto number = parse_number(entry, text);
    if (!number || *number < entry.least || *number > entry.most) {
        return Problem{"is not a number from " + std::to_string(entry.least) + " to " + std::to_string(entry.most) +
                       (is_size(entry) ? ", as in 65536, 64KiB or 1MiB" : "")};
    }
    return static_cast<std::uint32_t>(*number);
}

std::string format(milliseconds time) {
    return time % seconds{1} == milliseconds{0} ? std::to_string(time / seconds{1}) + 's'
                                                : std::to_string(time.count()) + "ms";
}

Parsed<milliseconds> parse(const Entry& entry, std::string_view text, milliseconds /*tag*/) {
    const auto time = parse_time(text);
    if (!time || *time < milliseconds{entry.least} || *time > milliseconds{entry.most}) {
        return Problem{"is not a time from " + format(milliseconds{entry.least}) + " to " +
                       (entry.most == kOneHour ? "1h" : format(milliseconds{entry.most})) +
                       ", as in 250ms, 10s, 1.5m or 1h"};
    }
    return *time;
}

Parsed<seconds> parse(const Entry& entry, std::string_view text, seconds /*tag*/) {
    const Parsed<milliseconds> time = parse(entry, text, milliseconds{});
    if (const auto* problem = std::get_if<Problem>(&time)) {
        return *problem;
    }
    if (std::get<milliseconds>(time) % seconds{1} != milliseconds{0}) {
        return Problem{"is not in whole seconds"};
    }
    return std::chrono::duration_cast<seconds>(std::get<milliseconds>(time));
}

Parsed<std::vector<std::string>> parse(const Entry& /*entry*/, std::string_view text,
                                       std::vector<std::string> /*tag*/) {
    const auto members = split_list(text);
    return std::vector<std::string>{members.begin(), members.end()};
}

// ---- And back

std::string format(const std::string& text) { return text; }
std::string format(bool truth) { return truth ? "true" : "false"; }
std::string format(std::uint32_t number) { return std::to_string(number); }
std::string format(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& member : list) {
        text += (text.empty() ? "" : ", ") + member;
    }
    return text;
}

std::string format(const Entry& entry, const Settings& settings) {
    return std::visit([&settings](auto member) { return format(settings.*member); }, entry.member);
}

// ---- Names

// The setting that was perhaps meant; empty if none comes near.
std::string_view nearest(std::string_view name) {
    std::array<std::string_view, kTable.size()> names;
    std::transform(kTable.begin(), kTable.end(), names.begin(), [](const Entry& entry) { return entry.name; });
    return c10k::nearest(name, names);
}

const Entry* find(std::string_view name) {
    const auto entry =
        std::find_if(kTable.begin(), kTable.end(), [name](const Entry& candidate) { return candidate.name == name; });
    return entry == kTable.end() ? nullptr : &*entry;
}

// ---- What is wrong with a text besides, for who cannot see it

bool is_quoted(std::string_view text) {
    return text.size() > 1 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
}

std::string more_about(std::string_view text) {
    if (const std::string invisible = invisible_in(text); !invisible.empty()) {
        return "; there is a character in it that cannot be seen, " + invisible;
    }
    return text.find('#') == std::string_view::npos ? "" : "; a comment has a line of its own";
}

// A text for a message: nobody reads all of a long one.
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

SettingsReader::SettingsReader(Settings defaults) : defaults_(std::move(defaults)), settings_(defaults_) {}

void SettingsReader::read_file(const std::filesystem::path& file) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    std::ifstream input{file, std::ios::binary};
    if (!input || std::filesystem::is_directory(file)) {
        problems_.push_back(file.string() + ": cannot be read");
        return;
    }
    std::string content(kOneMiB + 1, '\0');
    input.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(input.gcount()));
    if (content.size() > kOneMiB) {
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
        if (find(name) != nullptr || !nearest(name).empty()) {
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
    const Entry* known = find(name) != nullptr ? find(name) : find(nearest(name));
    const Entry& example = known != nullptr ? *known : *find("ping_interval");
    problems_.push_back("--set: " + in_quotes(assignment) + " is not NAME=VALUE, as in --set " +
                        std::string{example.name} + '=' + format(example, defaults_));
}

void SettingsReader::apply(std::string_view name, std::string_view text, const std::string& origin) {
    const Entry* entry = find(name);
    if (entry == nullptr) {
        const std::string_view meant = nearest(name);
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
    std::visit(
        [&]<typename T>(T Settings::*member) {
            Parsed<T> parsed = parse(*entry, text, T{});
            if (const auto* problem = std::get_if<Problem>(&parsed)) {
                complain(problem->text + more_about(text));
                return;
            }
            settings_.*member = std::get<T>(std::move(parsed));
            origins_.insert_or_assign(std::string{name}, origin);
        },
        entry->member);
}

const Settings& SettingsReader::settings() const {
    if (!problems_.empty()) {
        throw SettingsError(problems_);
    }
    return settings_;
}

std::vector<SettingInForce> SettingsReader::describe() const {
    std::vector<SettingInForce> settings;
    for (const Entry& entry : kTable) {
        const auto origin = origins_.find(entry.name);
        settings.push_back({entry.name, entry.unit, format(entry, defaults_), format(entry, settings_),
                            origin == origins_.end() ? "default" : origin->second, entry.reason});
    }
    return settings;
}

}  // namespace c10k
