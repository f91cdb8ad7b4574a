#include "live/dashboard.hpp"
#include "manage/commands.hpp"
#include "web/site.hpp"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <utility>

namespace c10k {
namespace {

std::string now_text() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    char text[64];
    std::strftime(text, sizeof text, "%B %d, %Y - %H:%M:%S", &local);
    return text;
}

}  // namespace

void runserver(const SiteFactory& site, const Settings& settings) {
    std::signal(SIGPIPE, SIG_IGN);  // the reader of our output may go away, as in `runserver | head`
    std::puts("Performing system checks...\n");
    const Development development = development_of(settings);
    std::optional<LiveListener> listener = open_dashboard(settings, development);
    std::optional<Dashboard> dashboard;
    if (listener) {
        dashboard.emplace(settings, development, *std::move(listener));
    }
    const auto print_banner = [&dashboard](const Listening& listening) {
        if (dashboard) {
            dashboard->note_address(listening.text());
        }
        const std::string loops = listening.workers == 1 ? "one loop" : std::to_string(listening.workers) + " loops";
        std::printf(
            "System check identified no errors.\n"
            "%s\n"
            "c10k, on %s with the %.*s backend\n"
            "Starting server at %s\n"
            "%s"
            "Quit the server with CONTROL-C.\n",
            now_text().c_str(), loops.c_str(), static_cast<int>(listening.backend.size()), listening.backend.data(),
            listening.urls().c_str(), dashboard ? ("Dashboard at " + dashboard->url() + '\n').c_str() : "");
        std::fflush(stdout);
    };
    run_site(site, settings, print_banner, dashboard ? &*dashboard : nullptr);
}

}  // namespace c10k
