#pragma once

#include "base/address.hpp"
#include "base/log.hpp"
#include "c10k/timer.hpp"
#include "server/pending_connections.hpp"
#include "server/server_context.hpp"

#include <deque>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

namespace c10k {

class Http1Connection;

// The listeners of one server: decides what becomes of each new connection.
class Acceptor final : private ListenerEvents, private PendingConnections::Source, private Timer {
public:
    // The context outlives it.
    explicit Acceptor(ServerContext& context);
    // Closes the listeners that are left.
    ~Acceptor();
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    // Returns the address it got. Throws std::system_error.
    Address listen(const Address& address, PortUse use);
    // The same with a socket that listens already, and is the acceptor's from now on: see ListenOptions.
    Address listen_on(int descriptor);

    // Serves the connections that waited for room: the server closes.
    void take_held();
    // Accepts only the connections that the kernel has completed already.
    void leave_accepting();
    void close_listeners();

    // Begins to serve a connection from `client` to `local`, which has sent `early` already.
    void admit(SocketId socket, const Address& client, const Address& local, std::span<char> early);
    // A connection through `proxy` did not begin as it should, and is closed.
    void refuse_proxied(SocketId socket, const Address& proxy, std::string_view why);
    [[nodiscard]] PendingConnections& pending() noexcept { return pending_; }

private:
    void on_accepted(SocketId socket, const Address& peer, const Address& local) override;
    void on_accept_failed(std::error_code error) override;
    // Goes on accepting after a failure.
    void on_time() override;

    // Decides what becomes of a new connection, which is closed if there is no memory.
    void receive(SocketId socket, const Address& peer, const Address& local);
    void decide(SocketId socket, const Address& peer, const Address& local);
    // From now on the socket speaks TLS, if this server does.
    void secure(SocketId socket, const Address& client);
    // Begins to serve it.
    Http1Connection& open(SocketId socket, const Address& client, const Address& local, Admission::AddressSlot slot);
    // Gives a connection what has come of it already.
    void receive_early(Http1Connection& connection, SocketId socket, std::span<char> early);
    // Answers with 503, for the limit has struck.
    void reject(SocketId socket, const Address& client, const Address& local, std::span<char> early, Limit limit);
    // As many connections are pending as may be: no more are accepted for now.
    void pause_accepting() override;
    void resume_accepting() override;
    void receive_held();

    [[nodiscard]] ListenOptions with_limits(ListenOptions options) const noexcept;
    Address add_listener(SocketId listener);
    [[nodiscard]] Backend& backend() const noexcept { return context_.services.loop.backend(); }

    ServerContext& context_;
    PendingConnections pending_;
    std::vector<SocketId> listeners_;
    struct Held {
        SocketId socket;
        Address peer;
        Address local;
    };
    std::deque<Held> held_;  // accepted when no more could be pending
    log::RateLimit failures_;
    log::RateLimit proxy_failures_;
};

}  // namespace c10k
