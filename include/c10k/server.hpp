#pragma once

#include "c10k/groups.hpp"
#include "c10k/metrics.hpp"
#include "c10k/services.hpp"
#include "c10k/settings.hpp"
#include "c10k/task.hpp"
#include "c10k/urls.hpp"
#include "c10k/values.hpp"
#include "c10k/web.hpp"
#include "c10k/websocket.hpp"

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace c10k {

// A site, and the routes that lead into it.
struct BuiltSite {
    std::shared_ptr<void> site;
    Urls urls;
};

// Builds a site out of services; called once per loop.
using SiteFactory = std::function<BuiltSite(Services&)>;

// A Site has a constructor `explicit Site(Services&)` and `Urls urls()`.
template <typename Site>
[[nodiscard]] SiteFactory site_factory() {
    return [](Services& services) {
        auto site = std::make_shared<Site>(services);
        Urls urls = site->urls();
        return BuiltSite{std::move(site), std::move(urls)};
    };
}

// The settings that a small program needs; the others have their defaults.
struct ServeOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8000;
    // The names that clients may use for this server, besides those of the machine itself.
    std::vector<std::string> allowed_hosts = {};
    // Sites whose pages may open WebSockets here, besides the server's own.
    std::vector<std::string> allowed_origins = {};
    // Files in PEM: a certificate with its chain, and its private key. With them the port speaks TLS: https, wss.
    std::string tls_certificate = {};
    std::string tls_key = {};
};

// Serves on this thread until SIGINT or SIGTERM, then lets everything end in good order. Returns the exit status of the
// program: 0, or 1 with a line on standard error if it could not listen or a background task failed.
int serve(const SiteFactory& site, const ServeOptions& options = {});
int serve(Urls urls, const ServeOptions& options = {});
// Every path leads to `view`.
int serve(std::function<Task<>(WebSocket&)> view, const ServeOptions& options = {});

template <typename Site>
int serve(const ServeOptions& options = {}) {
    return serve(site_factory<Site>(), options);
}

using OnlyView = std::function<Task<>(WebSocket&)>;

template <typename View>
concept CanBeServed =
    std::convertible_to<View, SiteFactory> || std::convertible_to<View, Urls> || std::convertible_to<View, OnlyView>;

// serve() takes nothing else: the compiler says so in the line of the call.
template <typename View>
requires(!CanBeServed<View>) int serve(View view, const ServeOptions& options = {})
    __attribute__((unavailable("serve() takes a view of WebSockets, Task<> view(WebSocket& socket), or Urls")));

}  // namespace c10k
