#include "connection/shared_connections.hpp"

#include "tls/tls_backend.hpp"

#include <algorithm>
#include <utility>

namespace c10k {

// ---- SharedConnection

SharedConnection::SharedConnection(SharedConnections& all, const Endpoint::Data& server)
    : all_(all), options_(server.http2) {}

void SharedConnection::begin(const Endpoint::Data& server, SocketId tcp) {
    tcp_ = tcp;
    is_closed_ = false;
    try {
        if (server.tls != nullptr) {
            begin_tls(server);
        } else {
            speak_http2();
        }
    } catch (...) {  // no memory
        close();
        throw;
    }
}

void SharedConnection::begin_tls(const Endpoint::Data& server) {
    TlsBackend& tls = TlsBackend::of(all_.services().loop);
    tls.secure(tcp_, server.tls, server.parsed.host);
    tls.offer_http2(tcp_);
    backend().attach(tcp_, *this);
    tls.begin(tcp_);
}

SharedConnection::~SharedConnection() { close(); }

Http2Backend& SharedConnection::backend() const noexcept { return Http2Backend::of(all_.services().loop); }

std::size_t SharedConnection::free_streams() const noexcept { return is_closed_ ? 0 : backend().free_streams(tcp_); }

void SharedConnection::finish() {
    is_leaving_ = true;
    backend().finish(tcp_);
}

void SharedConnection::speak_http2() { backend().speak_http2(tcp_, wire::Role::kClient, options_, *this); }

void SharedConnection::on_connected() {
    if (TlsBackend::of(all_.services().loop).speaks_http2(tcp_)) {
        speak_http2();
    } else {
        fail("the server does not speak HTTP/2: it has agreed on no h2 in the TLS handshake (ALPN)");
    }
}

void SharedConnection::on_failed(std::error_code error) { fail(error.message()); }

void SharedConnection::on_ready() {
    if (backend().allows_websockets(tcp_)) {
        is_ready_ = true;
        wake();
    } else {
        fail("the server speaks HTTP/2, but allows no WebSockets over it (RFC 8441)");
    }
}

void SharedConnection::on_limit(Limit limit) { all_.services().counters->count(limit); }

void SharedConnection::on_ended(const Http2Ending& ending) {
    std::string why = is_ready_ ? "the HTTP/2 connection ended" : "the server does not speak HTTP/2 here";
    if (ending.error) {
        why += ": " + ending.error.message();
    } else if (!ending.reason.empty()) {
        why += ": " + std::string{ending.reason};
    }
    fail(why);
    all_.retire(*this);
}

void SharedConnection::fail(std::string_view why) {
    failure_ = why;
    close();
    wake();
}

void SharedConnection::close() noexcept {
    is_leaving_ = true;
    if (!std::exchange(is_closed_, true)) {
        backend().close(tcp_);
    }
}

void SharedConnection::wake() {
    if (waiting_ != nullptr) {
        waiting_->resume();
    }
}

// ---- SharedConnections

SharedConnections& SharedConnections::of(LoopServices& services) {
    if (services.shared_connections == nullptr) {
        services.shared_connections = std::make_shared<SharedConnections>(services);
    }
    return *services.shared_connections;
}

void SharedConnections::retire(SharedConnection& connection) noexcept {
    for (auto& [key, shared] : servers_) {
        for (const auto& place : shared.places) {
            if (place->connection == &connection) {
                place->connection = nullptr;
            }
        }
    }
    const auto found = std::find_if(connections_.begin(), connections_.end(),
                                    [&connection](const auto& one) { return one.get() == &connection; });
    if (found != connections_.end()) {  // a client that dials it sees the end by itself
        services_.loop.retire(std::move(*found));
        connections_.erase(found);
    }
}

// ---- SharedConnections::Use

SharedConnections::Use::Use(SharedConnections& all, const Endpoint::Data& server)
    : all_(all), server_(server), entry_(all.servers_
                                             .try_emplace({server.windows_key.address, server.parsed.host_field(),
                                                           server.tls.get(), server.options.http2->connections})
                                             .first) {
    OfServer& shared = entry_->second;
    while (shared.places.size() < server.options.http2->connections) {
        shared.places.push_back(std::make_unique<Place>());
    }
    ++shared.clients;
}

SharedConnections::Use::~Use() {
    if (--entry_->second.clients > 0) {
        return;
    }
    for (const auto& place : entry_->second.places) {
        if (place->connection != nullptr) {
            place->connection->finish();
        }
    }
    all_.servers_.erase(entry_);
}

Task<SocketId> SharedConnections::Use::next() {
    OfServer& shared = entry_->second;
    const std::size_t count = shared.places.size();
    const std::size_t number = shared.clients_so_far++;
    const std::size_t first = number < kNeighbours * count ? number : number / kNeighbours;
    for (std::size_t i = 0; i < count; ++i) {
        Place& place = *shared.places[(first + i) % count];
        if (place.connection == nullptr || place.connection->is_leaving()) {
            co_await dial(place);
        }
        if (place.connection != nullptr && place.connection->free_streams() > 0) {
            co_return place.connection->id();
        }
    }
    throw ConnectError(
        "cannot connect to " + server_.url + ": the server allows no more streams on " +
        (count == 1 ? "the HTTP/2 connection" : "any of the " + std::to_string(count) + " HTTP/2 connections") +
        ": use more connections, or have the server allow more (max_streams)");
}

// The first client that needs a connection dials, and the others wait. When it fails, the next one tries.
Task<> SharedConnections::Use::dial(Place& place) {
    const Semaphore::Permit turn = co_await place.dialling.acquire();
    if (place.connection != nullptr && !place.connection->is_leaving()) {
        co_return;
    }
    place.connection = nullptr;
    auto dialled = std::make_unique<SharedConnection>(all_, server_);
    Dialling dialling{all_.services().loop, server_};
    const SocketId tcp = co_await dialling;
    dialled->begin(server_, tcp);
    co_await dialled->ready();
    if (!dialled->failure().empty()) {
        throw ConnectError("cannot connect to " + dialling.where() + ": " + dialled->failure());
    }
    place.connection = all_.connections_.emplace_back(std::move(dialled)).get();
}

}  // namespace c10k
