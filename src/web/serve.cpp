#include "base/log.hpp"
#include "c10k/server.hpp"
#include "web/checks.hpp"
#include "web/site.hpp"

#include <exception>
#include <string_view>
#include <utility>

namespace c10k {

int serve(const SiteFactory& site, const ServeOptions& options) {
    Settings settings;
    settings.host = options.host;
    settings.port = options.port;
    settings.allowed_hosts = options.allowed_hosts;
    settings.allowed_origins = options.allowed_origins;
    if (!options.tls_certificate.empty()) {
        settings.tls_certificate = {options.tls_certificate};
    }
    if (!options.tls_key.empty()) {
        settings.tls_key = {options.tls_key};
    }
    try {
        run_site(site, settings, [](const Listening& listening) {
            log::info("Listening on " + listening.text() + (listening.scheme == "https" ? ", with TLS" : ""));
        });
        return 0;
    } catch (const std::exception& error) {
        print_error(error);
        return 1;
    }
}

int serve(Urls urls, const ServeOptions& options) {
    return serve([urls = std::move(urls)](Services&) { return BuiltSite{nullptr, urls}; }, options);
}

int serve(std::function<Task<>(WebSocket&)> view, const ServeOptions& options) {
    const auto any_path = [view](WebSocket& socket, std::string_view /*path*/) { return view(socket); };
    return serve(Urls{path("", view), path("<path:any>", any_path)}, options);
}

}  // namespace c10k
