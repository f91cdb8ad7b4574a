#include "manage/commands.hpp"
#include "web/site.hpp"

#include <algorithm>
#include <cstdio>

namespace c10k {

void list_urls(const SiteFactory& site, const Settings& settings) {
    inspect_site(site, settings, [](const HostedSite& hosted) {
        std::size_t width = 0;
        for (const Route& route : hosted.urls()) {
            width = std::max(width, route.pattern().size());
        }
        for (const Route& route : hosted.urls()) {
            std::string options;
            for (const std::string& option : route.is_page() ? route.methods() : route.subprotocols()) {
                options += ' ' + option;
            }
            std::printf("/%-*s  %-9s  %-16s %s\n", static_cast<int>(width), route.pattern().c_str(),
                        route.is_page() ? "page" : "WebSocket", route.name().c_str(), options.c_str());
        }
    });
}

}  // namespace c10k
