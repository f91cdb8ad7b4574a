#include "web/site.hpp"

#include "base/address.hpp"
#include "base/log.hpp"
#include "connection/loop_services.hpp"
#include "loop/activation.hpp"
#include "loop/backends.hpp"
#include "loop/blocking_pool.hpp"
#include "loop/loop.hpp"
#include "server/server.hpp"
#include "task/on_hangup.hpp"
#include "task/run.hpp"
#include "web/crash_note.hpp"
#include "web/dispatcher.hpp"
#include "web/listening.hpp"
#include "web/recorder.hpp"
#include "web/reload_application.hpp"
#include "web/server_tls.hpp"
#include "web/throw_trace.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

// How much longer than the shutdown time the close may take: cut connections still have to end their views.
constexpr std::chrono::seconds kCutTime{5};

Templates::Mode template_mode(const Settings& settings, const Reload* reload) {
    const bool is_developed = settings.debug || reload != nullptr;
    return is_developed ? Templates::Mode::kDebug : Templates::Mode::kProduction;
}

void log_warnings(const std::vector<CheckMessage>& messages) {
    for (const CheckMessage& message : messages) {
        if (message.level == CheckMessage::Level::kWarning) {
            log::warning(to_text(message));
        }
    }
}

using OnListening = std::function<void(const Listening&)>;

// The state that the loops of one server share.
struct SharedSite {
    SharedSite(const SiteFactory& its_factory, const Settings& its_settings, const OnListening& on_all_listening,
               SiteCompanion* its_companion)
        : factory(its_factory), settings(its_settings), on_listening(on_all_listening), companion(its_companion),
          shared(its_settings.workers), addresses(listening_addresses(settings)) {}

    const SiteFactory& factory;
    const Settings& settings;
    const OnListening& on_listening;
    SiteCompanion* const companion;  // null if there is none
    SharedState shared;
    const std::unique_ptr<ServerCertificates> certificates = server_certificates(settings);  // null: no TLS
    std::vector<Address> addresses;
    PortUse port_use = PortUse::kAlone;
    std::vector<int> inherited = take_inherited_listeners();
    const ReadyNotice ready;
    // Null: nothing is recorded.
    const std::unique_ptr<Recorder> recorder = settings.record.empty() ? nullptr : std::make_unique<Recorder>(settings);
    std::mutex building;  // sites are built one after the other, so that a site may use what is not safe for threads
    std::atomic<std::uint32_t> listening{0};
};

// Each loop closes its share of the connections.
ServerLimits limits_of_loop(const Settings& settings) {
    ServerLimits limits = settings;
    limits.drain_rate = settings.drain_rate / settings.workers + 1;
    return limits;
}

// A server with its site, on one loop. It outlives the tasks in `background`, of which serve_until_stopped() is one.
struct SiteServer {
    SiteServer(SharedSite& program, std::size_t loop, TaskGroup& background)
        : settings(program.settings), limits(limits_of_loop(program.settings)),
          site(program.factory, program.settings, background, program.shared, loop),
          dispatcher(site.urls(), program.settings, program.shared.refusals,
                     site.reload() != nullptr ? program.shared.failures : nullptr),
          server(Loop::current(), application(), limits, program.certificates.get(), program.shared.admission) {
        LoopServices& services = LoopServices::of(Loop::current());
        program.shared.metrics.add(services.counters);
        program.shared.metrics.add(dispatcher.traffic());
        if (program.recorder) {
            tap.emplace(*program.recorder, services);
        }
    }

    Application& application() {
        return site.reload() != nullptr ? reloading.emplace(dispatcher, *site.reload())
                                        : static_cast<Application&>(dispatcher);
    }

    // A program that is replaced lets its views finish, and says so.
    [[nodiscard]] ShutdownOptions shutdown_options() const {
        if (stop_signal() == SIGUSR2) {
            // Never no time at all: connections that the kernel has accepted for this program come a moment later.
            return {.code = CloseCode::kServiceRestart,
                    .reason = "the server restarts",
                    .grace = std::max(settings.restart_grace, std::chrono::milliseconds{1})};
        }
        return {};
    }

    const Settings& settings;
    ServerLimits limits;
    HostedSite site;
    Dispatcher dispatcher;
    std::optional<ReloadApplication> reloading;
    std::optional<LoopRecorder> tap;
    Server server;
};

// Each loop has a listening socket of its own. Each inherited socket goes to some loop, and a loop that would have none
// shares one.
std::vector<std::string> listen(Server& server, const SharedSite& program, std::size_t loop) {
    const std::vector<int>& inherited = program.inherited;
    const std::size_t loops = program.settings.workers;
    std::vector<std::string> addresses;
    if (inherited.empty()) {
        for (const Address& address : program.addresses) {
            try {
                addresses.push_back(server.listen(address, program.port_use).text());
            } catch (const std::system_error& error) {
                throw_listening_failure(address, error.code());
            }
        }
    } else if (loop >= inherited.size()) {
        server.listen_on(::fcntl(inherited[loop % inherited.size()], F_DUPFD_CLOEXEC, 0));
    }
    for (std::size_t i = loop; i < inherited.size(); i += loops) {
        server.listen_on(inherited[i]);
    }
    for (const int descriptor : inherited) {
        const std::string text = local_address_of(descriptor).text();
        if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) {
            addresses.push_back(text);
        }
    }
    return addresses;
}

void reload(ServerCertificates& certificates) {
    try {
        certificates.reload();
        log::info("The certificates are read again: new connections get them");
    } catch (const std::exception& error) {
        log::error(std::string{"The certificates stay as they are: "} + error.what());
    }
}

Task<> wait_for_stop() {
    try {
        co_await until_stopped();
    } catch (const Stopped&) {  // that is what we wait for
    }
}

void build(std::optional<SiteServer>& serving, SharedSite& program, std::size_t loop, TaskGroup& background) {
    const std::lock_guard lock{program.building};
    serving.emplace(program, loop, background);
    if (loop == 0) {
        const std::vector<CheckMessage> messages = serving->site.check();
        log_warnings(messages);
        require_no_error(messages);
    }
}

// Tells the companion of the site on this loop: from its building to the end of its connections.
class Accompanied {
public:
    Accompanied(SiteCompanion* companion, std::size_t loop) noexcept : companion_(companion), loop_(loop) {}
    ~Accompanied() {
        if (is_told_) {
            companion_->on_site_ended(loop_);
        }
    }
    Accompanied(const Accompanied&) = delete;
    Accompanied& operator=(const Accompanied&) = delete;

    void tell(const Dispatcher& dispatcher) {
        if (companion_ != nullptr) {
            companion_->on_site_built(loop_, Loop::current(), dispatcher);
            is_told_ = true;
        }
    }

private:
    SiteCompanion* companion_;
    std::size_t loop_;
    bool is_told_ = false;
};

// Builds the site inside a task of the group: if that fails, the group stops and awaits the tasks that the site has
// spawned.
Task<> serve_until_stopped(std::optional<SiteServer>& serving, Accompanied& accompanied, SharedSite& program,
                           std::size_t loop, TaskGroup& background) {
    build(serving, program, loop, background);
    accompanied.tell(serving->dispatcher);
    const std::vector<std::string> addresses = listen(serving->server, program, loop);
    if (++program.listening == program.settings.workers) {
        program.on_listening({addresses, Loop::current().backend().name(), program.settings.workers,
                              program.certificates ? "https" : "http"});
        program.ready.send();
    }
    co_await wait_for_stop();
    if (program.recorder) {
        program.recorder->note_stopping();
    }
    const ShutdownOptions shutdown_options = serving->shutdown_options();
    const auto most = shutdown_options.grace + program.settings.shutdown_time + kCutTime;
    co_await shielded(most, serving->server.close(shutdown_options));
}

// Waits at its end for the functions of run_blocking() that this loop has begun.
class BlockingEnd {
public:
    explicit BlockingEnd(Loop& loop) noexcept : loop_(loop) {}
    ~BlockingEnd() { loop_.blocking_pool()->finish(loop_); }
    BlockingEnd(const BlockingEnd&) = delete;
    BlockingEnd& operator=(const BlockingEnd&) = delete;

private:
    Loop& loop_;
};

Task<> serve_on_loop(SharedSite& program, std::size_t loop) {
    std::optional<SiteServer> serving;
    Accompanied accompanied{program.companion, loop};
    const BlockingEnd end{Loop::current()};  // they may refer to the site
    TaskGroup background;
    background.spawn(serve_until_stopped(serving, accompanied, program, loop, background));
    co_await background.join();
}

Task<> look_in_group(const SiteFactory& factory, const Settings& settings,
                     const std::function<void(const HostedSite&)>& look) {
    SharedState shared{1};
    std::optional<HostedSite> site;
    TaskGroup background;
    std::exception_ptr failure;
    try {
        site.emplace(factory, settings, background, shared, 0);
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

HostedSite::HostedSite(const SiteFactory& factory, const Settings& settings, TaskGroup& background, SharedState& shared,
                       std::size_t loop)
    : settings_(settings), reload_(Reload::from_environment(shared.failures)),
      parts_(template_mode(settings, reload_.get()), settings, background, shared, loop) {
    for (const std::string& folder : settings.template_folders) {
        parts_.templates.add_folder(folder);
    }
    for (const std::string& folder : settings.static_folders) {
        parts_.static_files.add_folder(folder);
    }
    BuiltSite built = factory(parts_.services);
    site_ = std::move(built.site);
    // The routes of reload come first: a site may have a route for every path.
    parts_.urls = reload_ ? Urls{reload_->urls(), std::move(built.urls)} : std::move(built.urls);
}

std::vector<CheckMessage> HostedSite::check() const {
    std::vector<CheckMessage> messages = check_settings(settings_);
    for (const auto& more : {check_listening(settings_), check_tls(settings_), check_urls(parts_.urls),
                             check_folders("templates", parts_.templates.folders()),
                             check_folders("staticfiles", parts_.static_files.folders())}) {
        messages.insert(messages.end(), more.begin(), more.end());
    }
    return messages;
}

std::string Listening::text() const {
    std::string text;
    for (const std::string& address : addresses) {
        text += (text.empty() ? "" : " and ") + address;
    }
    return text;
}

std::string Listening::urls() const {
    Listening other = *this;
    for (std::string& address : other.addresses) {
        if (!address.starts_with("unix:")) {
            address.insert(0, std::string{scheme} + "://").append(1, '/');
        }
    }
    return other.text();
}

void inspect_site(const SiteFactory& factory, const Settings& settings,
                  const std::function<void(const HostedSite&)>& look) {
    run(look_in_group(factory, settings, look));
}

void run_site(const SiteFactory& factory, const Settings& settings, std::function<void(const Listening&)> on_listening,
              SiteCompanion* companion) {
    if (settings.debug) {
        note_throws();
    }
    if (const char* const descriptor = std::getenv(kCrashVariable)) {
        note_crashes(std::atoi(descriptor));
    }
    SharedSite program{factory, settings, on_listening, companion};
    std::optional<PortReservations> reservations;
    std::optional<UnixListener> unix_listener;
    if (program.inherited.empty() && program.addresses.front().family() == AF_UNIX) {
        unix_listener.emplace(program.addresses.front(), static_cast<int>(settings.backlog));
        program.inherited = {unix_listener->descriptor()};
    } else if (program.inherited.empty() && (settings.workers > 1 || program.addresses.size() > 1)) {
        reservations.emplace(program.addresses);
        program.addresses = reservations->addresses();
        program.port_use = PortUse::kShared;
    }
    std::optional<OnHangup> on_hangup;
    if (program.certificates) {
        on_hangup.emplace([&program] { reload(*program.certificates); });
    }
    Loop loop{make_backend(parse_backend(settings.backend))};
    loop.set_blocking_pool(std::make_shared<BlockingThreads>(settings));
    program.shared.metrics.add(loop.blocking_pool());
    try {
        const std::size_t loops = settings.workers + (companion != nullptr ? 1 : 0);
        run(loop, on_loops(loops, [&](std::size_t i) {
                return i < settings.workers ? serve_on_loop(program, i) : companion->run(Loop::current());
            }));
    } catch (const Stopped&) {  // as it was asked to
    }
    if (const std::string struck = program.shared.metrics.limits_that_struck(); !struck.empty()) {
        log::info("limits that struck: " + struck);
    }
}

}  // namespace c10k
