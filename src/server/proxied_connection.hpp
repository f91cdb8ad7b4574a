#pragma once

#include "base/address.hpp"
#include "c10k/timer.hpp"
#include "server/server.hpp"
#include "wire/proxy_protocol.hpp"

#include <span>

namespace c10k {

// An accepted connection that has not said yet whom it is from. When it has, the server welcomes that client on it.
class ProxiedConnection final : private ServerConnection,
                                private PendingConnection,
                                private SocketEvents,
                                private Timer {
public:
    ProxiedConnection(Server& server, SocketId socket, const Address& proxy);

private:
    ~ProxiedConnection() = default;

    void shut_down() override { end(); }
    void abort() override { end(); }
    void give_up() override { end(); }

    void on_received(std::span<char> bytes) override;
    void on_end() override { end(); }
    void on_sent(std::size_t /*bytes*/) override {}
    void on_failed(std::error_code /*error*/) override { end(); }
    void on_time() override;
    // Closes the socket, and ends this object.
    void end();

    SocketId socket_;
    Address proxy_;
    wire::ProxyHeader header_;
};

}  // namespace c10k
