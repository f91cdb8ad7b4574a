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

class Dispatcher;
class Loop;

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

// A part of a serving program besides its site, such as a dashboard. It has a loop and a thread of its own, so that it
// goes on when a loop of the site is busy.
class SiteCompanion {
public:
    virtual ~SiteCompanion() = default;

    // The site on loop number `loop` is built, and has no connections yet. Thread: that of the loop.
    virtual void on_site_built(std::size_t number, Loop& loop, const Dispatcher& dispatcher) = 0;
    // That site has no connections any more. Comes only after on_site_built(). Thread: that of the loop.
    virtual void on_site_ended(std::size_t number) noexcept = 0;
    // Runs on `loop`, the companion's own, until it is stopped with the sites. A failure ends the program.
    virtual Task<> run(Loop& loop) = 0;
};

// Serves a site on as many loops as the settings say, the first of them on this thread, until SIGINT or SIGTERM. Calls
// `on_listening`, on the thread of one of the loops, once all accept connections. Throws std::runtime_error, with a
// text for a user, if a check finds an error or the server cannot listen on the address; and rethrows a background
// task's failure.
void run_site(const SiteFactory& factory, const Settings& settings, std::function<void(const Listening&)> on_listening,
              SiteCompanion* companion = nullptr);

}  // namespace c10k
