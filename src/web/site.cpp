#include "web/site.hpp"

#include "base/address.hpp"
#include "base/log.hpp"
#include "connection/server.hpp"
#include "loop/backends.hpp"
#include "loop/loop.hpp"
#include "task/run.hpp"
#include "web/dispatcher.hpp"
#include "web/server_limits.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

// How much longer than the shutdown time the close may take: cut connections still have to end their views.
constexpr std::chrono::seconds kCutTime{5};

Templates::Mode template_mode(const Settings& settings) {
    return settings.debug ? Templates::Mode::kDebug : Templates::Mode::kProduction;
}

void require_no_error(const std::vector<CheckMessage>& messages) {
    std::string errors;
    for (const CheckMessage& message : messages) {
        if (message.level == CheckMessage::Level::kError) {
            errors += (errors.empty() ? "" : "\n") + to_text(message);
        } else {
            log::warning(to_text(message));
        }
    }
    if (!errors.empty()) {
        throw std::runtime_error(errors);
    }
}

Address listen(Server& server, const Settings& settings) {
    const Address address = Address::resolve(settings.host, static_cast<std::uint16_t>(settings.port));
    try {
        return server.listen(address);
    } catch (const std::system_error& error) {
        throw std::runtime_error("cannot listen on " + address.text() + ": " + error.code().message());
    }
}

// A server with its site. It outlives the tasks in `background`, of which serve_until_stopped() is one.
struct Serving {
    Serving(const SiteFactory& factory, const Settings& settings, TaskGroup& background)
        : limits(server_limits(settings)), site(factory, settings, background), dispatcher(site.urls(), settings),
          server(Loop::current(), dispatcher, limits) {}

    ServerLimits limits;
    HostedSite site;
    Dispatcher dispatcher;
    Server server;
};

using OnListening = std::function<void(const Listening&)>;

Task<> wait_for_stop() {
    try {
        for (;;) {
            co_await sleep_for(std::chrono::hours{24});
        }
    } catch (const Stopped&) {  // that is what we wait for
    }
}

// Builds the site inside a task of the group: if that fails, what the site has already spawned is stopped and awaited.
Task<> serve_until_stopped(std::optional<Serving>& serving, const SiteFactory& factory, const Settings& settings,
                           TaskGroup& background, const OnListening& on_listening) {
    serving.emplace(factory, settings, background);
    require_no_error(serving->site.check());
    const Address address = listen(serving->server, settings);
    on_listening({address.text(), Loop::current().backend().name()});
    co_await wait_for_stop();
    co_await shielded(settings.shutdown_time + kCutTime, serving->server.close());
}

Task<> run_in_group(const SiteFactory& factory, const Settings& settings, const OnListening& on_listening) {
    std::optional<Serving> serving;
    TaskGroup background;
    background.spawn(serve_until_stopped(serving, factory, settings, background, on_listening));
    co_await background.join();
}

Task<> look_in_group(const SiteFactory& factory, const Settings& settings,
                     const std::function<void(const HostedSite&)>& look) {
    std::optional<HostedSite> site;
    TaskGroup background;
    std::exception_ptr failure;
    try {
        site.emplace(factory, settings, background);
        look(*site);
    } catch (...) {
        failure = std::current_exception();
    }
    background.stop();
    try {
        co_await background.join();
    } catch (...) {
        failure = failure ? failure : std::current_exception();
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace

HostedSite::HostedSite(const SiteFactory& factory, const Settings& settings, TaskGroup& background)
    : settings_(settings), templates_(template_mode(settings)), services_{groups_, values_,   templates_, static_files_,
                                                                          urls_,   settings_, background} {
    for (const std::string& folder : settings.template_folders) {
        templates_.add_folder(folder);
    }
    for (const std::string& folder : settings.static_folders) {
        static_files_.add_folder(folder);
    }
    BuiltSite built = factory(services_);
    site_ = std::move(built.site);
    urls_ = std::move(built.urls);
}

std::vector<CheckMessage> HostedSite::check() const {
    std::vector<CheckMessage> messages = check_settings(settings_);
    for (const auto& more : {check_urls(urls_), check_folders("templates", templates_.folders()),
                             check_folders("staticfiles", static_files_.folders())}) {
        messages.insert(messages.end(), more.begin(), more.end());
    }
    return messages;
}

void inspect_site(const SiteFactory& factory, const Settings& settings,
                  const std::function<void(const HostedSite&)>& look) {
    run(look_in_group(factory, settings, look));
}

void run_site(const SiteFactory& factory, const Settings& settings,
              std::function<void(const Listening&)> on_listening) {
    Loop loop{make_backend(parse_backend(settings.backend))};
    try {
        run(loop, run_in_group(factory, settings, on_listening));
    } catch (const Stopped&) {  // as it was asked to
    }
}

}  // namespace c10k
