#include "manage/load.hpp"

#include "base/read_file.hpp"
#include "base/text.hpp"
#include "c10k/text.hpp"
#include "load/outcome.hpp"
#include "load/report.hpp"
#include "load/stamp.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace c10k {

using load::Mode;

namespace {

constexpr int kThresholdFailed = 99;
constexpr std::chrono::hours kMaxTime{7 * 24};
constexpr double kMaxRate = 10'000'000;
constexpr std::size_t kMaxConnections = 10'000'000;
constexpr std::array kModes{Mode::kConnect, Mode::kEcho, Mode::kBroadcast, Mode::kHold, Mode::kScript};

Mode parse_mode(const std::string& text) {
    const auto found =
        std::find_if(kModes.begin(), kModes.end(), [&text](Mode mode) { return load::name_of(mode) == text; });
    if (found == kModes.end()) {
        throw OptionError('\'' + printable(text) + "' is none of connect, echo, broadcast, hold and script");
    }
    return *found;
}

void add_time(CommandOptions& options, const std::string& names, Duration& time, const std::string& default_text,
              const std::string& help) {
    const auto set = [&time](const std::string& text) {
        const auto parsed = parse_time(text);
        if (!parsed || *parsed > kMaxTime) {
            throw OptionError('\'' + printable(text) +
                              "' is not a time of at most a week: write seconds, or a number with ms, s, m or h");
        }
        time = *parsed;
    };
    options.value(names, set, help).type("TIME").default_text(default_text);
}

// What throws std::invalid_argument with a text for the user, as the setter of an option.
template <typename Parse>
auto refusing(Parse parse) {
    return [parse](const std::string& text) {
        try {
            parse(text);
        } catch (const std::invalid_argument& error) {
            throw OptionError(error.what());
        }
    };
}

std::vector<std::string> parse_subprotocols(const std::string& text) {
    std::vector<std::string> names;
    for (const std::string_view name : split_list(text)) {
        if (!is_token(name)) {
            throw OptionError('\'' + printable(name) + "' is not the name of a subprotocol");
        }
        names.emplace_back(name);
    }
    return names;
}

Headers::Field parse_header(const std::string& text) {
    const std::size_t colon = text.find(':');
    const std::string name{text.substr(0, colon)};
    const std::string value{colon == std::string::npos ? "" : trim(std::string_view{text}.substr(colon + 1))};
    if (colon == std::string::npos || !is_token(name) ||
        std::any_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; })) {
        throw OptionError('\'' + printable(text) + "' is not a field, such as 'Cookie: session=1'");
    }
    if (iequals(name, "Host") || iequals(name, "Upgrade") || iequals(name, "Connection") ||
        to_lower(name).starts_with("sec-websocket-")) {
        throw OptionError("the handshake sets " + name + " itself");
    }
    return {name, value};
}

}  // namespace

std::string_view LoadCommand::help() const noexcept {
    return "Put load on any WebSocket server, and measure how it bears it.\n"
           "Modes: connect opens and closes connections; echo sends messages that the server sends back; broadcast "
           "sends on the first connection what the server relays to all others; hold keeps connections open; script "
           "lets clients run a file of steps (send, expect, wait, repeat).\n\n"
           "Messages and clients are due at a fixed --rate, whether or not the server has answered those before (an "
           "open model). Times are told twice: corrected, from the moment that something was due, and raw, from the "
           "moment that the client began it. When a server stalls, clients that wait for it send nothing, and so "
           "their raw times leave out most of the stall: that is coordinated omission. Trust the corrected ones.\n\n"
           "Exit status: 0; 1 if no connection could be opened; 99 if a --fail-if came true; 130 if it was "
           "interrupted, after a report of what was measured until then.\n\n"
           "Try: manage load echo --url ws://127.0.0.1:9001/ --rate 5000 --fail-if 'p99>20ms' --fail-if 'errors>0'";
}

void LoadCommand::declare_options(CommandOptions& options) {
    options
        .value(
            "mode", [this](const std::string& text) { plan_.mode = parse_mode(text); }, "What the clients do")
        .type("connect|echo|broadcast|hold|script")
        .required();
    options.text("-u,--url", plan_.url, "URL of the server, ws:// or wss://").required();
    declare_schedule(options);
    declare_messages(options);
    declare_connection(options);
    declare_results(options);
}

void LoadCommand::declare_schedule(CommandOptions& options) {
    options.number("-c,--connections", plan_.connections, {1, kMaxConnections},
                   "Connections that stay; of connect and script, those that are open at once at most");
    options.decimal("-r,--rate", plan_.rate,
                    "Messages per second in total; of connect and script, clients per second. 0: as fast as the server "
                    "answers (a closed model)");
    add_time(options, "--ramp", plan_.ramp, "1s",
             "The time over which the connections are opened; of connect and script, over which the rate rises");
    add_time(options, "-d,--duration", plan_.duration, "10s", "How long it is measured");
    add_time(options, "--warm-up", plan_.warm_up, "1s", "How long the load is on before that");
    add_time(options, "--timeout", plan_.timeout, "5s",
             "How long a handshake may take, and how long answers are awaited at the end");
    options.number("--handshakes", handshakes_, {1, 65536},
                   "Handshakes in flight at once at most; a loop begins with 64, and raises it while they are quick");
}

void LoadCommand::declare_messages(CommandOptions& options) {
    options
        .value("--size", refusing([this](const std::string& text) { plan_.sizes = load::Sizes::parse(text); }),
               "Bytes of a message: 64, a range 16-1024, or some with their weights 16:9,1024:1")
        .type("BYTES")
        .default_text(plan_.sizes.text());
    options.flag("--text", is_text_, "Send text messages, as without it");
    options.flag("--binary", is_binary_, "Send binary messages");
    options.number("--in-flight", plan_.in_flight, {1, 1'000'000},
                   "Messages of a connection without an answer; those that are due meanwhile wait, and count from when "
                   "they were due");
    options.text("--script", script_file_, "The steps of the mode script").type("FILE").not_empty();
}

void LoadCommand::declare_connection(CommandOptions& options) {
    options.text("--ca", endpoint_.ca_file, "For wss://: the certificate of the authority to trust, not the system's")
        .type("FILE")
        .not_empty();
    options.flag("--insecure", is_insecure_, "For wss://: accept any certificate");
    options.flag("--compression", is_compressed_, "Offer compression (permessage-deflate)");
    const auto add_subprotocols = [this](const std::string& text) {
        endpoint_.subprotocols = parse_subprotocols(text);
    };
    options.value("--subprotocol", add_subprotocols, "Subprotocols to offer, with commas, in order of preference")
        .type("NAMES");
    const auto add_header = [this](const std::string& text) {
        const Headers::Field field = parse_header(text);
        endpoint_.headers.add(field.name, field.value);
    };
    options.values("-H,--header", add_header, "A field of the handshake, 'Name: value'; may be given again")
        .type("FIELD");
    const auto set_origin = [this](const std::string& text) {
        endpoint_.headers.set("Origin", parse_header("Origin: " + text).value);
    };
    options.value("--origin", set_origin, "The Origin of the handshake").type("ORIGIN");
    spread_.declare_options(options);
}

void LoadCommand::declare_results(CommandOptions& options) {
    options
        .values("--fail-if",
                refusing([this](const std::string& text) { thresholds_.push_back(load::Threshold::parse(text)); }),
                "Exit with 99 if this is so at the end: p99>20ms, handshake.raw.max>1s, errors>0, error-rate>0.1%, "
                "rate<950, late>1ms, cpu>80%; may be given again")
        .type("CONDITION");
    options.flag("--json", is_json_, "Print the report as a JSON object");
    options.text("--histogram", histogram_file_, "Write the times of each second to this file, as HdrHistogram's logs")
        .type("FILE")
        .not_empty();
    options.flag("-q,--quiet", is_quiet_, "Print no line each second");
}

void LoadCommand::check() {
    if (is_text_ && is_binary_) {
        throw CommandError("--text and --binary exclude each other");
    }
    if (plan_.rate < 0 || plan_.rate > kMaxRate || (plan_.rate > 0 && plan_.rate < 0.001)) {
        throw CommandError("--rate is 0, or from 0.001 to 10000000 per second");
    }
    if (plan_.duration < std::chrono::milliseconds{100}) {
        throw CommandError("--duration must be at least 100ms");
    }
    if (spread_.connections(plan_.connections) > connection_limit()) {
        throw CommandError("this process may hold " + std::to_string(connection_limit()) +
                           " connections: take fewer --connections, or raise the limit of open files (ulimit -n); with "
                           "--backend io_uring that limit does not matter, and with --http2 they share connections");
    }
    if (plan_.mode == Mode::kBroadcast && (plan_.connections < 2 || !plan_.is_open_model())) {
        throw CommandError("broadcast takes at least 2 --connections, and a --rate above 0");
    }
    if (plan_.mode == Mode::kBroadcast && plan_.sizes.min() < load::Stamp::kBytes) {
        throw CommandError("a message of broadcast carries its times: --size is at least " +
                           std::to_string(load::Stamp::kBytes));
    }
    if ((plan_.mode == Mode::kScript) == script_file_.empty()) {
        throw CommandError(script_file_.empty() ? "script needs the file of its steps: --script FILE"
                                                : "--script belongs to the mode script");
    }
}

void LoadCommand::read_script() {
    const std::optional<std::string> text = read_file(script_file_);
    if (!text) {
        throw CommandError("cannot read " + printable(script_file_));
    }
    try {
        plan_.script = load::Script::parse(*text);
    } catch (const load::ScriptError& error) {
        throw CommandError(printable(script_file_) + ": " + error.what());
    }
}

Endpoint LoadCommand::endpoint(std::function<void(Duration)> on_opened) const {
    EndpointOptions options = endpoint_;
    options.http2 = spread_.http2();
    const auto timeout = std::max(plan_.timeout, Duration{std::chrono::milliseconds{1}});
    options.handshake_time = timeout;
    options.close_time = std::chrono::ceil<std::chrono::milliseconds>(timeout);
    options.handshakes_at_once = static_cast<std::uint32_t>(std::max<std::size_t>(1, handshakes_ / plan_.loops));
    options.on_opened = std::move(on_opened);
    options.max_message_bytes =
        static_cast<std::uint32_t>(std::max<std::size_t>(options.max_message_bytes, 2 * plan_.sizes.max()));
    options.compression = is_compressed_ ? Compression::kOn : Compression::kOff;
    options.verify = is_insecure_ ? Verify::kNothing : Verify::kServer;
    if (plan_.mode != Mode::kHold) {
        options.ping_interval = std::chrono::hours{24};  // a server that stalls is what it wants to measure
    }
    return spread_.endpoint(Endpoint{plan_.url, std::move(options)}, plan_.connections);
}

Task<> LoadCommand::run() {
    plan_.loops = std::min(spread_.loops(), plan_.connections);
    plan_.kind = is_binary_ ? Message::Kind::kBinary : Message::Kind::kText;
    check();
    if (plan_.mode == Mode::kScript) {
        read_script();
    }
    (void)endpoint({});  // says what is wrong with the URL before anything begins
    load::Collector collector{plan_};
    std::optional<load::LiveView> live;
    if (!is_quiet_) {
        live.emplace(collector);
    }
    std::optional<load::HistogramLog> log;
    if (!histogram_file_.empty()) {
        log.emplace(histogram_file_, plan_);
    }
    std::exception_ptr interruption;
    try {
        const load::MakeEndpoint make = [this](std::function<void(Duration)> on_opened) {
            return endpoint(std::move(on_opened));
        };
        co_await load::run_load(collector, make, live ? &*live : nullptr, log ? &*log : nullptr);
    } catch (const Stopped&) {
        interruption = std::current_exception();
    }
    live.reset();
    if (log) {
        log->close();
    }
    report(load::Outcome{plan_, collector, interruption != nullptr});
    if (interruption) {
        std::rethrow_exception(interruption);
    }
}

void LoadCommand::report(const load::Outcome& outcome) const {
    std::fputs((is_json_ ? load::report_json(outcome, thresholds_) + '\n' : load::report_text(outcome)).c_str(),
               stdout);
    std::fflush(stdout);
    for (const std::string& warning : outcome.warnings()) {
        std::fprintf(stderr, "WARNING: %s\n", warning.c_str());
    }
    if (outcome.is_interrupted()) {
        return;
    }
    const auto& errors = outcome.tally().errors;
    if (outcome.tally().opened == 0) {
        throw CommandError("no connection could be opened" +
                           (errors.total() > 0 ? ": " + errors.items().front().cause : std::string{}));
    }
    std::string failed;
    for (const load::Threshold& threshold : thresholds_) {
        if (threshold.is_failed(outcome)) {
            failed += (failed.empty() ? "" : "; ") + threshold.explain(outcome);
        }
    }
    if (!failed.empty()) {
        throw CommandError(failed, kThresholdFailed);
    }
}

}  // namespace c10k
