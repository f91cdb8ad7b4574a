#include "server/acceptor.hpp"

#include "server/http1_connection.hpp"
#include "server/proxied_connection.hpp"
#include "tls/tls_backend.hpp"
#include "wire/forwarded.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <string>

namespace c10k {
namespace {

// While descriptors have run out: how soon to try again.
constexpr std::chrono::milliseconds kRetryInterval{100};

}  // namespace

Acceptor::Acceptor(ServerContext& context)
    : context_(context),
      pending_(context.services, *this, context.limits.max_newcomers, context.limits.head_time, *context.admission) {}

Acceptor::~Acceptor() { close_listeners(); }

// ---- Listeners

Address Acceptor::listen(const Address& address, PortUse use) {
    const ListenOptions options{.backlog = static_cast<int>(context_.limits.backlog), .port_use = use};
    return add_listener(backend().listen(address, with_limits(options), *this));
}

Address Acceptor::listen_on(int descriptor) {
    return add_listener(backend().listen({}, with_limits({.inherited = descriptor}), *this));
}

// The kernel knows only one time for a peer that is silent and one that takes nothing: no limit of ours comes after it.
ListenOptions Acceptor::with_limits(ListenOptions options) const noexcept {
    using std::chrono::ceil;
    using std::chrono::seconds;
    const ServerLimits& limits = context_.limits;
    options.unsent_bytes = static_cast<int>(limits.kernel_unsent_bytes);
    options.keepalive =
        std::max({limits.keepalive_time, ceil<seconds>(limits.write_time), limits.ping_interval + limits.ping_timeout});
    return options;
}

Address Acceptor::add_listener(SocketId listener) {
    listeners_.push_back(listener);
    return backend().local_address(listener);
}

void Acceptor::leave_accepting() {
    for (const SocketId listener : listeners_) {
        backend().leave_accepting(listener);
    }
}

void Acceptor::close_listeners() {
    for (const SocketId listener : listeners_) {
        backend().close(listener);
    }
    listeners_.clear();
}

// ---- New connections

void Acceptor::on_accepted(SocketId socket, const Address& peer, const Address& local) {
    if (pending_.is_full() && !context_.is_closing) {
        try {
            held_.push_back({socket, peer, local});
            return;
        } catch (const std::bad_alloc&) {
            context_.counters().accept_failures.add();
            backend().close(socket);
            return;
        }
    }
    receive(socket, peer, local);
}

void Acceptor::receive(SocketId socket, const Address& peer, const Address& local) try {
    decide(socket, peer, local);
    pending_.note_accepted();
} catch (const std::bad_alloc&) {
    context_.counters().accept_failures.add();
    backend().close(socket);
}

void Acceptor::decide(SocketId socket, const Address& peer, const Address& local) {
    const ServerLimits& limits = context_.limits;
    context_.counters().accepted.add();
    const std::uint32_t max_tcp = limits.max_tcp_connections > 0 ? limits.max_tcp_connections : limits.max_connections;
    if (context_.admission->connections >= limits.max_connections) {
        reject(socket, peer, local, {}, Limit::kMaxConnections);
    } else if (context_.admission->tcp_connections >= max_tcp) {
        reject(socket, peer, local, {}, Limit::kMaxTcpConnections);
    } else if (!limits.proxy_protocol) {
        admit(socket, peer, local, {});
    } else if (wire::is_trusted(peer.text(), limits.trusted_proxies)) {
        context_.connections.emplace<ProxiedConnection>(context_, *this, socket, peer, local);
    } else {
        refuse_proxied(socket, peer, "it is none of trusted_proxies");
    }
}

void Acceptor::admit(SocketId socket, const Address& client, const Address& local, std::span<char> early) {
    const ServerLimits& limits = context_.limits;
    Admission::AddressSlot slot = Admission::kUncounted;
    if (limits.max_connections_per_address > 0 && client.family() != AF_UNIX &&
        !wire::is_trusted(client.text(), limits.trusted_proxies)) {
        const auto entered = context_.admission->enter(client.subnet_key(), limits.max_connections_per_address);
        if (!entered) {
            reject(socket, client, local, early, Limit::kMaxConnectionsPerAddress);
            return;
        }
        slot = *entered;
    }
    Http1Connection* connection = nullptr;
    try {
        connection = &open(socket, client, local, slot);
    } catch (...) {
        context_.admission->leave(slot);
        throw;
    }
    receive_early(*connection, socket, early);
}

Http1Connection& Acceptor::open(SocketId socket, const Address& client, const Address& local,
                                Admission::AddressSlot slot) {
    secure(socket, client);
    return context_.connections.emplace<Http1Connection>(context_, pending_, socket, client, local, slot);
}

void Acceptor::receive_early(Http1Connection& connection, SocketId socket, std::span<char> early) {
    if (early.empty()) {
        return;
    }
    if (context_.is_secure()) {
        TlsBackend::of(context_.services.loop).receive(socket, early);
    } else {
        connection.receive(early);
    }
}

void Acceptor::reject(SocketId socket, const Address& client, const Address& local, std::span<char> early,
                      Limit limit) {
    context_.note_rejected(client.text(), limit);
    Http1Connection& connection = open(socket, client, local, Admission::kUncounted);
    connection.reject();
    receive_early(connection, socket, early);
}

void Acceptor::secure(SocketId socket, const Address& client) {
    if (!context_.is_secure()) {
        return;
    }
    TlsBackend& tls = TlsBackend::of(context_.services.loop);
    tls.secure(socket, context_.certificates->current());
    if (context_.admits_http2(client.text())) {
        tls.offer_http2(socket);
    }
}

void Acceptor::refuse_proxied(SocketId socket, const Address& proxy, std::string_view why) {
    context_.counters().proxy_failures.add();
    if (proxy_failures_.is_due(context_.services.loop.now())) {
        log::warning("closed a connection of " + proxy.text() + ", and perhaps others: proxy_protocol is on, and " +
                     std::string{why});
    }
    backend().close(socket);
}

// ---- Pauses

void Acceptor::pause_accepting() {
    for (const SocketId listener : listeners_) {
        backend().pause_accepting(listener);
    }
}

void Acceptor::resume_accepting() {
    while (!held_.empty() && !pending_.is_full()) {
        receive_held();
    }
    if (pending_.is_full() || context_.is_closing || is_running()) {
        return;
    }
    for (const SocketId listener : listeners_) {
        backend().resume_accepting(listener);
    }
}

void Acceptor::receive_held() {
    const Held held = held_.front();
    held_.pop_front();
    receive(held.socket, held.peer, held.local);
}

void Acceptor::take_held() {
    cancel();
    while (!held_.empty()) {
        receive_held();
    }
}

void Acceptor::on_accept_failed(std::error_code error) {
    context_.counters().accept_failures.add();
    if (failures_.is_due(context_.services.loop.now())) {
        log::error("cannot accept: " + error.message() + "; " + std::to_string(context_.counters().open_tcp.value()) +
                   " connections are open. Those are served, and accepting goes on when some have ended. To hold more, "
                   "raise the limit of open files (ulimit -n).");
    }
    start(kRetryInterval);
}

void Acceptor::on_time() {
    if (!pending_.is_full()) {
        resume_accepting();
    }
}

}  // namespace c10k
