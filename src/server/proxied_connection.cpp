#include "server/proxied_connection.hpp"

#include "server/acceptor.hpp"

#include <sys/socket.h>

namespace c10k {

ProxiedConnection::ProxiedConnection(ServerContext& context, Acceptor& acceptor, SocketId socket, const Address& proxy,
                                     const Address& local)
    : context_(context), acceptor_(acceptor), pending_(acceptor.pending(), *this, proxy), socket_(socket),
      proxy_(proxy), local_(local) {
    backend().attach(socket_, *this);
    backend().start_receiving(socket_);
    start(context.limits.head_time);
}

void ProxiedConnection::on_received(std::span<char> bytes) {
    const std::size_t taken = header_.receive({bytes.data(), bytes.size()});
    if (header_.state() == wire::ProxyHeader::State::kFailed) {
        acceptor_.refuse_proxied(socket_, proxy_, header_.failure());
        retire();
    } else if (header_.state() == wire::ProxyHeader::State::kComplete) {
        const bool is_for_itself = header_.client().family() == AF_UNSPEC;
        acceptor_.admit(socket_, is_for_itself ? proxy_ : header_.client(), local_, bytes.subspan(taken));
        retire();
    }
}

void ProxiedConnection::on_time() {
    context_.counters().count(Limit::kHeadTime);
    abort();
}

void ProxiedConnection::abort() noexcept {
    backend().close(socket_);
    retire();
}

void ProxiedConnection::retire() noexcept {
    cancel();
    pending_.leave();
    context_.connections.retire(*this, Admission::kUncounted);
}

}  // namespace c10k
