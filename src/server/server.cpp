#include "server/server.hpp"

#include "base/date.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "connection/memory_trimmer.hpp"
#include "server/http1_connection.hpp"
#include "server/proxied_connection.hpp"
#include "tls/tls_backend.hpp"
#include "wire/forwarded.hpp"

#include <algorithm>
#include <new>

namespace c10k {
namespace {

// While descriptors have run out: how soon to try again.
constexpr std::chrono::milliseconds kRetryInterval{100};
// Whom the kernel has accepted for us when we stop to accept is still to come: how long that may take.
constexpr std::chrono::milliseconds kLateTime{20};
// How often a server that ends tells some of its connections.
constexpr std::chrono::milliseconds kDrainInterval{50};

}  // namespace

// Goes on accepting after a pause.
class Server::Retry final : public Timer {
public:
    explicit Retry(Server& server) noexcept : server_(server) {}

    void pause(std::error_code error) {
        if (complaint_.is_due(server_.loop().now())) {
            log::error(
                "cannot accept: " + error.message() + "; " + std::to_string(server_.count()) +
                " connections are open. Those are served, and accepting goes on when some have ended. To hold more, "
                "raise the limit of open files (ulimit -n).");
        }
        start(kRetryInterval);
    }

private:
    void on_time() override {
        if (!server_.pending_.is_full()) {
            server_.go_on();
        }
    }

    Server& server_;
    log::RateLimit complaint_;
};

Server::Server(Loop& loop, Application& application, const ServerLimits& limits, const ServerCertificates* certificates,
               std::shared_ptr<Admission> admission)
    : services_(LoopServices::of(loop)), loop_(loop), application_(application), limits_(limits),
      certificates_(certificates), admission_(std::move(admission)), counters_(*services_.counters),
      connections_(services_, *admission_),
      pending_(services_, *this, limits.max_newcomers, limits.head_time, *admission_),
      retry_(std::make_unique<Retry>(*this)) {
    loop_.job_queue()->limit(limits.mailbox_bytes);
    keep_freed_memory();
}

Server::~Server() {
    for (const SocketId listener : listeners_) {
        loop_.backend().close(listener);
    }
}

Address Server::listen(const Address& address, PortUse use) {
    return add_listener(loop_.backend().listen(
        address, with_limits({.backlog = static_cast<int>(limits_.backlog), .port_use = use}), *this));
}

Address Server::listen_on(int descriptor) {
    return add_listener(loop_.backend().listen({}, with_limits({.inherited = descriptor}), *this));
}

// The kernel knows only one time for a peer that is silent and one that takes nothing: no limit of ours comes after it.
ListenOptions Server::with_limits(ListenOptions options) const noexcept {
    using std::chrono::ceil;
    using std::chrono::seconds;
    options.unsent_bytes = static_cast<int>(limits_.kernel_unsent_bytes);
    options.keepalive = std::max(
        {limits_.keepalive_time, ceil<seconds>(limits_.write_time), limits_.ping_interval + limits_.ping_timeout});
    return options;
}

Address Server::add_listener(SocketId listener) {
    listeners_.push_back(listener);
    return loop_.backend().local_address(listener);
}

void Server::on_accepted(SocketId socket, const Address& peer) {
    try {
        if (pending_.is_full() && !closing_) {
            held_.emplace_back(socket, peer);
        } else {
            receive(socket, peer);
        }
    } catch (const std::bad_alloc&) {
        counters_.accept_failures.add();
        loop_.backend().close(socket);
    }
}

void Server::receive(SocketId socket, const Address& peer) {
    counters_.accepted.add();
    if (admission_->connections >= limits_.max_connections) {
        counters_.count(Limit::kMaxConnections);
        reject(socket, peer, "as many connections as max_connections allows are open");
    } else if (!limits_.proxy_protocol) {
        welcome(socket, peer, {});
    } else if (wire::is_trusted(peer.text(), limits_.trusted_proxies)) {
        connections_.emplace<ProxiedConnection>(*this, socket, peer);
    } else {
        refuse_proxied(socket, peer, "it is none of trusted_proxies");
    }
    pending_.welcomed();
}

void Server::hold() {
    for (const SocketId listener : listeners_) {
        loop_.backend().pause_accepting(listener);
    }
}

void Server::go_on() {
    while (!held_.empty() && !pending_.is_full()) {
        receive_held();
    }
    if (pending_.is_full() || closing_ || retry_->is_running()) {
        return;
    }
    for (const SocketId listener : listeners_) {
        loop_.backend().resume_accepting(listener);
    }
}

void Server::receive_held() {
    const auto [socket, peer] = held_.front();
    held_.pop_front();
    try {
        receive(socket, peer);
    } catch (const std::bad_alloc&) {
        counters_.accept_failures.add();
        loop_.backend().close(socket);
    }
}

void Server::welcome(SocketId socket, const Address& client, std::span<char> early) {
    Admission::AddressSlot place = Admission::kUncounted;
    if (limits_.max_connections_per_address > 0 && client.family() != AF_UNIX &&
        !wire::is_trusted(client.text(), limits_.trusted_proxies)) {
        const auto entered = admission_->enter(client.subnet_key(), limits_.max_connections_per_address);
        if (!entered) {
            counters_.count(Limit::kMaxConnectionsPerAddress);
            reject(socket, client, "its address has as many connections as max_connections_per_address allows");
            return;
        }
        place = *entered;
    }
    Http1Connection* connection = nullptr;
    try {
        secure(socket);
        connection = &connections_.emplace<Http1Connection>(*this, socket, client, place);
    } catch (...) {
        admission_->leave(place);
        throw;
    }
    if (early.empty()) {
        return;
    }
    if (certificates_ != nullptr) {
        TlsBackend::of(loop_).receive(socket, early);
    } else {
        connection->receive(early);
    }
}

void Server::secure(SocketId socket) {
    if (certificates_ != nullptr) {
        TlsBackend::of(loop_).secure(socket, certificates_->current());
    }
}

void Server::refuse_proxied(SocketId socket, const Address& proxy, std::string_view why) {
    counters_.proxy_failures.add();
    if (complaint_.is_due(loop_.now())) {
        log::warning("closed a connection of " + proxy.text() + ", and perhaps others: proxy_protocol is on, and " +
                     std::string{why});
    }
    loop_.backend().close(socket);
}

void Server::warn_of(std::string_view peer, std::string_view what, std::string_view why) {
    if (complaint_.is_due(loop_.now())) {
        log::warning(std::string{what} + ' ' + std::string{peer} + ", and perhaps others: " + std::string{why});
    }
}

void Server::reject(SocketId socket, const Address& client, std::string_view why) {
    warn_of(client.text(), "turned away", why);
    secure(socket);
    connections_.emplace<Http1Connection>(*this, socket, client, Admission::kUncounted).reject();
}

void Server::on_accept_failed(std::error_code error) {
    counters_.accept_failures.add();
    retry_->pause(error);
}

Task<> Server::close(const ShutdownOptions& shutdown_options) {
    closing_ = true;
    shutdown_options_ = shutdown_options;
    retry_->cancel();
    while (!held_.empty()) {
        receive_held();
    }
    return end();
}

Task<> Server::end() {
    for (const SocketId listener : listeners_) {
        loop_.backend().leave_accepting(listener);
    }
    if (shutdown_options_.grace > shutdown_options_.grace.zero()) {
        co_await sleep_for(std::min(shutdown_options_.grace, kLateTime));
        co_await wait_for_end(shutdown_options_.grace);
    }
    for (const SocketId listener : listeners_) {
        loop_.backend().close(listener);
    }
    listeners_.clear();
    const std::int64_t begin = loop_.now();
    co_await drain();
    const std::chrono::milliseconds drained{loop_.now() - begin};
    if (co_await wait_for_end(std::max(limits_.shutdown_time - drained, kDrainInterval))) {
        co_return;
    }
    log::warning(std::to_string(count()) + " connections did not end in time and are cut");
    connections_.abort_all();
    co_await connections_.until_empty();
}

// Who is told to go comes back, to whoever serves then: not all in one moment.
Task<> Server::drain() {
    const std::int64_t intervals = std::max<std::int64_t>(limits_.shutdown_time / 2 / kDrainInterval, 1);
    const std::size_t at_rate = limits_.drain_rate * kDrainInterval / std::chrono::seconds{1};
    const std::size_t batch = std::max<std::size_t>(at_rate, count() / intervals + 1);
    connections_.start_closing();
    while (connections_.close_oldest(batch, shutdown_options_)) {
        co_await sleep_for(kDrainInterval);
    }
}

Task<bool> Server::wait_for_end(std::chrono::milliseconds time) {
    try {
        co_await with_timeout(time, connections_.until_empty());
        co_return true;
    } catch (const TimedOut&) {
        co_return false;
    }
}

const std::string& Server::date() {
    if (const std::int64_t second = loop_.now() / 1000; second != date_second_) {
        date_second_ = second;
        date_ = http_date(loop_.backend().wall_clock());
    }
    return date_;
}

}  // namespace c10k
