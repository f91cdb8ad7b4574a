#pragma once

#include "c10k/server.hpp"
#include "c10k/settings.hpp"
#include "c10k/urls.hpp"
#include "web/checks.hpp"
#include "web/reload.hpp"
#include "web/site_parts.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// A user's site with its services, on the loop of this thread: number `loop` of the sites that share `shared`.
class HostedSite {
public:
    // Requires: all but the factory outlive it; no task is left in `background` when it is destroyed.
    HostedSite(const SiteFactory& factory, const Settings& settings, TaskGroup& background, SharedState& shared,
               std::size_t loop);
    HostedSite(const HostedSite&) = delete;
    HostedSite& operator=(const HostedSite&) = delete;

    [[nodiscard]] const Urls& urls() const noexcept { return parts_.urls; }
    // How its pages follow a program that is being changed; null if they need not.
    [[nodiscard]] const Reload* reload() const noexcept { return reload_.get(); }
    // The faults of the settings and the site.
    [[nodiscard]] std::vector<CheckMessage> check() const;

private:
    const Settings& settings_;
    std::unique_ptr<const Reload> reload_;
    SiteParts parts_;
    std::shared_ptr<void> site_;
};

// Calls `look` with the site that `factory` builds, on a loop of its own, without serving it.
void inspect_site(const SiteFactory& factory, const Settings& settings,
                  const std::function<void(const HostedSite&)>& look);

// The server takes connections.
struct Listening {
    std::vector<std::string> addresses;  // "127.0.0.1:8000", "unix:/run/site.sock"
    std::string_view backend;            // "epoll"
    std::size_t workers;
    std::string_view scheme;  // "http" or "https"

    // "127.0.0.1:8000 and [::1]:8000", and the same as URLs
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string urls() const;
};

// Serves a site on as many loops as the settings say, the first of them on this thread, until SIGINT or SIGTERM. Calls
// `on_listening`, on the thread of one of the loops, once all accept connections. Throws std::runtime_error, with a
// text for a user, if a check finds an error or the server cannot listen on the address; and rethrows a background
// task's failure.
void run_site(const SiteFactory& factory, const Settings& settings, std::function<void(const Listening&)> on_listening);

}  // namespace c10k
