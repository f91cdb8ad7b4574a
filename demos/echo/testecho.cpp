#include "echo/testecho.hpp"

#include "echo/crowd.hpp"
#include "flags.hpp"
#include "patience.hpp"

#include <c10k/text.hpp>

#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

namespace echo {

using namespace c10k;

namespace {

constexpr std::chrono::hours kMaxDelay{24};
constexpr int kMaxClients = 1'000'000'000;

std::chrono::milliseconds parse_delay(const std::string& text) {
    const auto time = parse_time(text);
    if (!time || *time > kMaxDelay) {
        throw CommandError(
            "--delay: '" + printable(text) +
            "' is not a time of at most a day: write seconds, or a number with ms, s, m or h, such as 30, "
            "250ms or 1.5m");
    }
    return *time;
}

}  // namespace

std::string_view TestEcho::help() const noexcept {
    return "Open many connections to the echo test at once and check every reply: the C10K test.\n"
           "Needs a running server (manage runserver). With its defaults it takes two and a half minutes.\n"
           "Try: manage testecho --delay 4s";
}

void TestEcho::declare_options(CommandOptions& options) {
    add_clamped_number(options, "--clients", clients_, {1, kMaxClients},
                       "How many clients are connected at the same time");
    options.text("--delay", delay_,
                 "Each client starts within twice this time, or later if too many are dialling, and waits this long "
                 "before each of its three messages: seconds, or 250ms, 1m, 1h");
    options.text("--url", url_, "URL of the echo test");
    options
        .text("--ca", endpoint_.ca_file,
              "For wss://: a file with the certificate of the authority to trust, instead of the system's")
        .type("FILE")
        .not_empty();
    spread_.declare_options(options);
}

Task<> TestEcho::run() {
    if (clients_ < 1 || clients_ > kMaxClients) {
        throw CommandError("--clients must be from 1 to " + std::to_string(kMaxClients));
    }
    if (spread_.connections(static_cast<std::size_t>(clients_)) > connection_limit()) {
        throw CommandError("this process may hold " + std::to_string(connection_limit()) +
                           " connections: take fewer --clients, or raise the limit of open files (ulimit -n); with "
                           "--backend io_uring that limit does not matter, and with --http2 they share connections");
    }
    endpoint_.http2 = spread_.http2();
    Crowd crowd{clients_, parse_delay(delay_)};
    const Endpoint first = spread_.endpoint(Endpoint{url_, endpoint_}, 1);
    co_await await_greeting(first);  // one clear line now, not ten thousand in a minute
    if (const std::string sharing = spread_.sharing(static_cast<std::size_t>(clients_)); !sharing.empty()) {
        std::puts(sharing.c_str());
    }
    EndpointOptions options = Patience::with_no_other_limit(endpoint_);
    options.on_opened = [&crowd](Duration took) { crowd.note_handshake(took); };
    const Endpoint server = spread_.endpoint(Endpoint{url_, std::move(options)}, static_cast<std::size_t>(clients_));
    co_await crowd.meet(server, spread_.loops());
    std::fputs(crowd.summary().c_str(), stdout);
    if (const std::optional<std::string> failure = crowd.failure()) {
        throw CommandError(*failure);
    }
}

}  // namespace echo
