#include "server/proxied_connection.hpp"

#include <sys/socket.h>

namespace c10k {

ProxiedConnection::ProxiedConnection(Server& server, SocketId socket, const Address& proxy)
    : server_(server), pending_(server.pending_connections(), *this, proxy), socket_(socket), proxy_(proxy) {
    server.loop().backend().attach(socket_, *this);
    server.loop().backend().start_receiving(socket_);
    start(server.limits().head_time);
}

void ProxiedConnection::on_received(std::span<char> bytes) {
    const std::size_t taken = header_.receive({bytes.data(), bytes.size()});
    if (header_.state() == wire::ProxyHeader::State::kFailed) {
        server_.refuse_proxied(socket_, proxy_, header_.failure());
        retire();
    } else if (header_.state() == wire::ProxyHeader::State::kComplete) {
        const bool is_for_itself = header_.client().family() == AF_UNSPEC;
        server_.welcome(socket_, is_for_itself ? proxy_ : header_.client(), bytes.subspan(taken));
        retire();
    }
}

void ProxiedConnection::on_time() {
    server_.counters().count(Limit::kHeadTime);
    abort();
}

void ProxiedConnection::abort() noexcept {
    server_.loop().backend().close(socket_);
    retire();
}

void ProxiedConnection::retire() noexcept {
    cancel();
    pending_.leave();
    server_.connections().retire(*this, Admission::kUncounted);
}

}  // namespace c10k
