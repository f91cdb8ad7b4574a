#include "echo/testecho.hpp"

#include "echo/crowd.hpp"
#include "patience.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

namespace echo {

using namespace c10k;

namespace {

// "30", "30s", "250ms", "1m"
Duration parse_duration(const std::string& text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    const double seconds = unit == "ms" ? number / 1000 : unit == "m" ? number * 60 : number;
    constexpr double kMostSeconds = 24 * 60 * 60;
    if (error != std::errc{} || !(unit.empty() || unit == "s" || unit == "ms" || unit == "m") || !(seconds >= 0) ||
        seconds > kMostSeconds) {
        throw CommandError("--delay: '" + text + "' is no time: write seconds, or a number with ms, s or m");
    }
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
}

}  // namespace

std::string_view TestEcho::help() const noexcept {
    return "Open many connections to the echo test at once and check every reply: the C10K test.\n"
           "Needs a running server (manage runserver). With its defaults it takes two and a half minutes.\n"
           "Try: manage testecho --delay 4s";
}

void TestEcho::add_options(CLI::App& options) {
    options.add_option("--clients", clients_, "How many clients are connected at the same time")->capture_default_str();
    options
        .add_option("--delay", delay_,
                    "Each client starts within twice this time, or later if too many are dialling, and waits this "
                    "long before each of its three messages: seconds, or 250ms, 1m")
        ->capture_default_str();
    options.add_option("--url", url_, "Where the echo test is")->capture_default_str();
    options.add_option("--ca", endpoint_.ca_file,
                       "For wss://: a file with the certificate of the authority to trust, instead of the system's");
    spread_.add_options(options);
}

Task<> TestEcho::run() {
    if (clients_ < 1) {
        throw CommandError("--clients must be at least 1");
    }
    if (static_cast<std::size_t>(clients_) > connection_limit()) {
        throw CommandError("this process may hold " + std::to_string(connection_limit()) +
                           " connections: take fewer --clients, or raise the limit of open files (ulimit -n); with "
                           "--backend io_uring that limit does not matter");
    }
    Crowd crowd{clients_, parse_duration(delay_)};
    const Endpoint first = spread_.endpoint(Endpoint{url_, endpoint_}, 1);
    // Nobody there: one clear line now, not ten thousand in a minute.
    co_await connect(first, [](WebSocket& socket) -> Task<> { co_await socket.recv(); });
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
