#include "server/proxied_connection.hpp"

#include <sys/socket.h>

namespace c10k {

ProxiedConnection::ProxiedConnection(Server& server, SocketId socket, const Address& proxy)
    : ServerConnection(server), PendingConnection(server.newcomers(), proxy), socket_(socket), proxy_(proxy) {
    server.loop().backend().attach(socket_, *this);
    server.loop().backend().start_receiving(socket_);
    start(server.limits().head_time);
}

void ProxiedConnection::on_received(std::span<char> bytes) {
    const std::size_t taken = header_.receive({bytes.data(), bytes.size()});
    if (header_.state() == wire::ProxyHeader::State::kFailed) {
        server().refuse_proxied(socket_, proxy_, header_.failure());
        delete this;
    } else if (header_.state() == wire::ProxyHeader::State::kComplete) {
        const bool is_for_itself = header_.client().family() == AF_UNSPEC;
        server().welcome(socket_, is_for_itself ? proxy_ : header_.client(), bytes.subspan(taken));
        delete this;
    }
}

void ProxiedConnection::on_time() {
    server().counters().limits.head_time.add();
    end();
}

void ProxiedConnection::end() {
    server().loop().backend().close(socket_);
    delete this;
}

}  // namespace c10k
