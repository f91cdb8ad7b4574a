#pragma once

#include "base/address.hpp"
#include "c10k/timer.hpp"
#include "server/pending_connections.hpp"
#include "server/server_context.hpp"
#include "wire/proxy_protocol.hpp"

#include <span>

namespace c10k {

class Acceptor;

// An accepted connection that has not said yet whom it is from. When it has, the acceptor admits that client on it.
class ProxiedConnection final : public ServerConnection, private SocketEvents, private Timer {
public:
    ProxiedConnection(ServerContext& context, Acceptor& acceptor, SocketId socket, const Address& proxy,
                      const Address& local);

private:
    void close(const ShutdownOptions& /*options*/) override { abort(); }
    void abort() noexcept override;

    void on_received(std::span<char> bytes) override;
    void on_end() override { abort(); }
    void on_sent(std::size_t /*bytes*/) override {}
    void on_failed(std::error_code /*error*/) override { abort(); }
    void on_time() override;
    // Another owner has the socket now, or nobody.
    void retire() noexcept;

    [[nodiscard]] Backend& backend() const noexcept { return context_.services.loop.backend(); }

    ServerContext& context_;
    Acceptor& acceptor_;
    PendingConnection pending_;
    SocketId socket_;
    Address proxy_;
    Address local_;
    wire::ProxyHeader header_;
};

}  // namespace c10k
