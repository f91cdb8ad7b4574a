#pragma once

#include "c10k/groups.hpp"
#include "c10k/metrics.hpp"
#include "c10k/server.hpp"
#include "c10k/settings.hpp"
#include "c10k/urls.hpp"
#include "c10k/values.hpp"
#include "c10k/web.hpp"
#include "groups/group_directory.hpp"
#include "server/admission.hpp"
#include "web/checks.hpp"
#include "web/refusals.hpp"
#include "web/reload.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// The state that the sites of a program share; each loop has one site.
struct SharedState {
    explicit SharedState(std::size_t loops) : hub(std::make_shared<GroupDirectory>(loops)) {}

    std::shared_ptr<GroupDirectory> hub;
    Values values;
    std::shared_ptr<Admission> admission = std::make_shared<Admission>();
    Metrics metrics;
    std::shared_ptr<Refusals> refusals = std::make_shared<Refusals>();
};

// A user's site with its services, on the loop of this thread: number `loop` of the sites that share `shared`.
class HostedSite {
public:
    // Requires: all but the factory outlive it; no task is left in `background` when it is destroyed.
    HostedSite(const SiteFactory& factory, const Settings& settings, TaskGroup& background, SharedState& shared,
               std::size_t loop);
    HostedSite(const HostedSite&) = delete;
    HostedSite& operator=(const HostedSite&) = delete;

    [[nodiscard]] const Urls& urls() const noexcept { return urls_; }
    // How its pages follow a program that is being changed; null if they need not.
    [[nodiscard]] const Reload* reload() const noexcept { return reload_.get(); }
    // The faults of the settings and the site.
    [[nodiscard]] std::vector<CheckMessage> check() const;

private:
    const Settings& settings_;
    std::unique_ptr<const Reload> reload_;
    Groups groups_;
    Templates templates_;
    StaticFiles static_files_;
    Urls urls_;
    Services services_;
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
