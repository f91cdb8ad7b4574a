#include "c10k/embed.hpp"

#include "base/log.hpp"
#include "connection/loop_services.hpp"
#include "loop/backends.hpp"
#include "loop/blocking_pool.hpp"
#include "loop/loop.hpp"
#include "server/application.hpp"
#include "server/server.hpp"
#include "web/dispatcher.hpp"
#include "web/error_pages.hpp"
#include "web/listening.hpp"
#include "web/server_tls.hpp"
#include "web/view_failures.hpp"
#include "wire/forwarded.hpp"
#include "wire/handshake.hpp"
#include "wire/protocol.hpp"

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <variant>
#include <vector>

namespace c10k {
namespace {

static_assert(static_cast<int>(LogLevel::kDebug) == static_cast<int>(log::Level::kDebug) &&
              static_cast<int>(LogLevel::kError) == static_cast<int>(log::Level::kError));

// An embedder's application as the server's connections see it.
class EmbeddedSite final : public Application {
public:
    // Requires: both outlive it.
    EmbeddedSite(EmbeddedApplication& application, const Settings& settings)
        : application_(application), settings_(settings) {
        route_.compression = default_compression(settings);
        route_.view = [&application](WebSocket& socket, std::span<const std::string_view>) {
            return application.serve(socket);
        };
    }

    [[nodiscard]] bool came_securely(const Request& request) const override {
        return wire::came_securely(request, settings_.trusted_proxies);
    }
    [[nodiscard]] bool reads_body(const Request& request) override {
        try {
            return application_.reads_body(request);
        } catch (...) {
            log_failure(std::current_exception());
            return false;
        }
    }
    [[nodiscard]] std::vector<RouteTraffic> traffic() const { return {{route_.name, route_.traffic}}; }

    Answer answer(Request& request, int minor_version) override {
        try {
            request.is_secure = came_securely(request);
            request.peer = wire::client_of(request.peer, request.headers, settings_.trusted_proxies);
            if (request.method == "GET") {
                auto examined = wire::read_handshake(request, minor_version);
                if (auto* refusal = std::get_if<Response>(&examined)) {
                    return std::move(*refusal);
                }
                if (auto* offer = std::get_if<wire::HandshakeOffer>(&examined)) {
                    return WebSocketMatch{&route_, {}, std::move(*offer)};
                }
            }
            return application_.reads_body(request) ? application_.respond(request, *request.body_reader)
                                                    : application_.respond(request);
        } catch (...) {
            return on_view_failed(request, std::current_exception());
        }
    }

    Response on_view_failed(const Request& request, std::exception_ptr failure) override {
        try {
            return application_.on_failed(request, std::move(failure));
        } catch (...) {
            log_failure(std::current_exception());
            return error_page(500);
        }
    }
    Response on_refused(std::string_view peer, int status, std::string_view reason) override {
        try {
            return application_.on_refused(peer, status, reason);
        } catch (...) {
            log_failure(std::current_exception());
            return error_page(status);
        }
    }
    std::uint16_t on_websocket_failed(const WebSocketRoute& /*route*/, WebSocket& /*socket*/,
                                      std::exception_ptr failure) override {
        try {
            return application_.on_websocket_failed(std::move(failure));
        } catch (...) {
            log_failure(std::current_exception());
            return CloseCode::kInternalError;
        }
    }

    void on_answered(const Request& request, const Response& response) override {
        tell([&] { application_.on_answered(request, response); });
    }
    void on_websocket_opened(const WebSocketRoute& /*route*/, const Request& request, WebSocket& socket) override {
        tell([&] { application_.on_websocket_opened(socket, request); });
    }
    void on_websocket_closed(const WebSocketRoute& /*route*/, WebSocket& socket) override {
        tell([&] { application_.on_websocket_closed(socket); });
    }

private:
    // A connection that is in the middle of its work cannot do anything about a listener that fails.
    template <typename Call>
    static void tell(Call call) {
        try {
            call();
        } catch (...) {
            log_failure(std::current_exception());
        }
    }

    EmbeddedApplication& application_;
    const Settings& settings_;
    WebSocketRoute route_{.name = "embedded", .subprotocols = {}, .view = {}};
};

// A listening socket, duplicated. Throws std::system_error.
int duplicate_of_listener(int descriptor) {
    int is_listening = 0;
    socklen_t size = sizeof is_listening;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) < 0) {
        throw_errno("listen_on()");
    }
    if (is_listening == 0) {
        throw std::system_error(EINVAL, std::system_category(), "listen_on(): the socket does not listen");
    }
    const int duplicate = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) {
        throw_errno("listen_on()");
    }
    return duplicate;
}

}  // namespace

// ---- EmbeddedApplication

Task<Response> EmbeddedApplication::respond(Request& /*request*/) {
    throw std::logic_error("respond(): the application does not override it");
}

Task<Response> EmbeddedApplication::respond(Request& /*request*/, BodyReader& /*body*/) {
    throw std::logic_error("respond(): the application says reads_body() and does not override it");
}

Response EmbeddedApplication::on_failed(const Request& request, std::exception_ptr failure) {
    if (const auto wanted = wanted_error(request, failure)) {
        Response page = error_page(wanted->status());
        page.log_note = wanted->what();
        return page;
    }
    log::error("Internal Server Error: " + request.method + ' ' + request.target + ": " + describe(std::move(failure)));
    return error_page(500);
}

std::uint16_t EmbeddedApplication::on_websocket_failed(std::exception_ptr failure) {
    const std::uint16_t code = close_code_for(failure);
    if (code == CloseCode::kInternalError) {
        log::error("WebSocket view failed: " + describe(std::move(failure)));
    }
    return code;
}

Response EmbeddedApplication::on_refused(std::string_view /*peer*/, int status, std::string_view reason) {
    return Response::text(std::string{reason} + '\n', status);
}

void EmbeddedApplication::on_log(LogLevel level, std::string_view line) {
    const log::Redirect to_standard_error{nullptr};
    log::write(static_cast<log::Level>(level), line);
}

// ---- EmbeddedServer

class EmbeddedServer::Engine final : private CompletionListener, private EndOfTurn {
public:
    Engine(EmbeddedApplication& application, const Settings& settings)
        : application_(application), write_line_([&application](log::Level level, std::string_view line) {
              application.on_log(static_cast<LogLevel>(level), line);
          }),
          redirect_(&write_line_), settings_(settings), certificates_(server_certificates(settings_)),
          loop_(make_backend(parse_backend(settings_.backend))), waker_(loop_.backend()), jobs_(loop_.job_queue()),
          site_(application, settings_), server_(loop_, site_, settings_, certificates_.get()) {
        loop_.set_blocking_pool(std::make_shared<BlockingThreads>(settings_));
        metrics_.add(LoopServices::of(loop_).counters);
        metrics_.add(site_.traffic());
        metrics_.add(loop_.blocking_pool());
        redirect_.reset();
    }
    ~Engine() {
        const auto lines = redirect();
        if (is_stopped_) {
            return;
        }
        if (!ending_) {
            stop({});
        }
        loop_.turn(loop_.backend().now());  // stops listening
        server_.abort();
        while (!is_stopped_) {
            loop_.turn();
        }
    }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Throws std::logic_error with `sentence` on a thread other than the loop's.
    void check_thread(const char* sentence) const {
        internal::require(std::this_thread::get_id() == thread_, sentence);
    }
    [[nodiscard]] log::Redirect redirect() const noexcept { return log::Redirect{&write_line_}; }

    std::string listen(std::string_view host, std::uint16_t port);
    std::string listen_on(int descriptor) { return server_.listen_on(duplicate_of_listener(descriptor)).text(); }

    bool run_turn(std::optional<std::chrono::milliseconds> longest) {
        internal::require(!is_turning_, "run_turn(): a turn is in progress");
        is_turning_ = true;
        try {
            loop_.turn(longest ? std::optional{loop_.backend().now() + longest->count()} : std::nullopt);
        } catch (...) {
            is_turning_ = false;
            throw;
        }
        is_turning_ = false;
        return loop_.has_work();
    }
    void at_end_of_turn() { loop_.at_end_of_turn(*this); }

    void stop(const StopOptions& options) {
        wire::check_close(options.code, options.reason);
        if (!ending_) {
            ending_ = end({.code = options.code, .reason = options.reason, .grace = options.grace});
            ending_.start(scope_, *this);
        }
    }
    [[nodiscard]] bool is_stopped() const noexcept { return is_stopped_; }

    void wake() noexcept { waker_.wake(); }
    bool post(std::function<void()> call) { return jobs_->post_call(std::move(call)); }
    void spawn(Task<> task) {
        internal::require(!is_stopped_, "spawn(): the server has stopped");
        background_.spawn(std::move(task), &log_failure);
    }

    [[nodiscard]] Groups& groups() noexcept { return groups_; }
    [[nodiscard]] std::size_t connections() const noexcept { return server_.count(); }
    [[nodiscard]] std::size_t websockets() noexcept { return LoopServices::of(loop_).websockets->count(); }
    [[nodiscard]] const Metrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] std::string_view backend() noexcept { return loop_.backend().name(); }

private:
    Task<> end(ShutdownOptions options) {
        co_await server_.close(options);
        unix_listeners_.clear();
        background_.stop();
        co_await background_.join();
    }
    void on_completed() noexcept override { is_stopped_ = true; }
    void end_turn() override { application_.on_end_of_turn(); }

    EmbeddedApplication& application_;
    const std::thread::id thread_ = std::this_thread::get_id();
    const log::Redirect::Write write_line_;
    std::optional<log::Redirect> redirect_;  // while this is made
    const Settings settings_;
    const std::unique_ptr<ServerCertificates> certificates_;  // null: no TLS
    Loop loop_;
    Backend& waker_;  // stays where it is when TLS gets around it
    const std::shared_ptr<JobQueue> jobs_;
    Groups groups_;
    EmbeddedSite site_;
    Server server_;
    std::vector<std::unique_ptr<UnixListener>> unix_listeners_;
    Metrics metrics_;
    TaskGroup background_;
    StopScope scope_;
    Task<> ending_;  // what stop() has begun
    bool is_stopped_ = false;
    bool is_turning_ = false;
};

std::string EmbeddedServer::Engine::listen(std::string_view host, std::uint16_t port) {
    internal::require(!ending_, "listen(): the server stops");
    Settings wanted;
    wanted.host = host;
    wanted.port = port;
    std::vector<Address> addresses = listening_addresses(wanted);
    if (addresses.front().family() == AF_UNIX) {
        auto listener = std::make_unique<UnixListener>(addresses.front(), static_cast<int>(settings_.backlog));
        const int descriptor = listener->descriptor();
        unix_listeners_.push_back(std::move(listener));
        return server_.listen_on(descriptor).text();
    }
    std::optional<PortReservations> reservations;
    if (addresses.size() > 1) {
        reservations.emplace(addresses);
        addresses = reservations->addresses();
    }
    std::string first;
    for (const Address& address : addresses) {
        try {
            const std::string text = server_.listen(address, reservations ? PortUse::kShared : PortUse::kAlone).text();
            first = first.empty() ? text : first;
        } catch (const std::system_error& error) {
            throw std::system_error(error.code(), "cannot listen on " + address.text());
        }
    }
    return first;
}

namespace {

constexpr const char* kWrongThread = "an EmbeddedServer belongs to the thread that made it";

}  // namespace

EmbeddedServer::EmbeddedServer(EmbeddedApplication& application, const Settings& settings) {
    internal::require(Loop::current_if_any() == nullptr, "EmbeddedServer: a loop runs on this thread already");
    engine_ = std::make_unique<Engine>(application, settings);
}

EmbeddedServer::~EmbeddedServer() = default;

std::string EmbeddedServer::listen(std::string_view host, std::uint16_t port) {
    engine_->check_thread(kWrongThread);
    const auto lines = engine_->redirect();
    return engine_->listen(host, port);
}

std::string EmbeddedServer::listen_on(int descriptor) {
    engine_->check_thread(kWrongThread);
    const auto lines = engine_->redirect();
    return engine_->listen_on(descriptor);
}

bool EmbeddedServer::run_turn(std::optional<std::chrono::milliseconds> longest) {
    engine_->check_thread(kWrongThread);
    const auto lines = engine_->redirect();
    return engine_->run_turn(longest);
}

void EmbeddedServer::at_end_of_turn() {
    engine_->check_thread(kWrongThread);
    engine_->at_end_of_turn();
}

void EmbeddedServer::stop(const StopOptions& options) {
    engine_->check_thread(kWrongThread);
    engine_->stop(options);
}

bool EmbeddedServer::is_stopped() const noexcept { return engine_->is_stopped(); }

void EmbeddedServer::wake() noexcept { engine_->wake(); }

bool EmbeddedServer::post(std::function<void()> call) { return engine_->post(std::move(call)); }

void EmbeddedServer::spawn(Task<> task) {
    engine_->check_thread(kWrongThread);
    engine_->spawn(std::move(task));
}

Groups& EmbeddedServer::groups() noexcept { return engine_->groups(); }

std::size_t EmbeddedServer::connections() const noexcept { return engine_->connections(); }

std::size_t EmbeddedServer::websockets() const noexcept { return engine_->websockets(); }

const Metrics& EmbeddedServer::metrics() const noexcept { return engine_->metrics(); }

std::string_view EmbeddedServer::backend() const noexcept { return engine_->backend(); }

}  // namespace c10k
