#include "manage/commands.hpp"
#include "web/site.hpp"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <string>

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
    run_site(site, settings, [](const Listening& listening) {
        const std::string loops = listening.workers == 1 ? "one loop" : std::to_string(listening.workers) + " loops";
        std::printf(
            "System check identified no errors.\n"
            "%s\n"
            "c10k, on %s with the %.*s backend\n"
            "Starting server at %s\n"
            "Quit the server with CONTROL-C.\n",
            now_text().c_str(), loops.c_str(), static_cast<int>(listening.backend.size()), listening.backend.data(),
            listening.urls().c_str());
        std::fflush(stdout);
    });
}

}  // namespace c10k
