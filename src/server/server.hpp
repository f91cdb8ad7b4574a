#pragma once

#include "base/address.hpp"
#include "c10k/task.hpp"
#include "loop/sockets.hpp"
#include "server/acceptor.hpp"
#include "server/server_context.hpp"

#include <chrono>
#include <cstddef>
#include <memory>

namespace c10k {

// Listens, and serves the connections that it accepts.
class Server final {
public:
    // The first four outlive the server. With certificates it speaks TLS. The admission is that of the servers it
    // shares its limits with.
    Server(Loop& loop, Application& application, const ServerLimits& limits,
           const ServerCertificates* certificates = nullptr,
           std::shared_ptr<Admission> admission = std::make_shared<Admission>());
    // Requires: no connection is left; close() has seen to that.
    ~Server() = default;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Returns the address it got. Throws std::system_error.
    Address listen(const Address& address, PortUse use = PortUse::kAlone) { return acceptor_.listen(address, use); }
    // The same with a socket that listens already, and is the server's from now on: see ListenOptions.
    Address listen_on(int descriptor) { return acceptor_.listen_on(descriptor); }

    // From the call on, each answer is the last one of its connection. The task accepts no more, and after the grace
    // stops listening, closes every WebSocket at the drain rate, the oldest first, lets requests that run finish, and
    // waits for the end of all connections; those that are left after the shutdown time are cut.
    Task<> close(const ShutdownOptions& options = {});

    // Ends all connections now, and asks their views to stop.
    void abort() noexcept { context_.connections.abort_all(); }

    [[nodiscard]] std::size_t count() const noexcept { return context_.connections.count(); }
    [[nodiscard]] Counters& counters() const noexcept { return context_.counters(); }

private:
    Task<> end(ShutdownOptions options);
    // Closes all connections, in batches: peers that are told to go come back, and not all in one moment.
    // How many connections it closes in each interval.
    [[nodiscard]] std::size_t drain_batch() const noexcept;
    // The connections have `time` to end by themselves. Returns whether they have.
    Task<bool> wait_for_end(std::chrono::milliseconds time);

    ServerContext context_;
    Acceptor acceptor_;
};

}  // namespace c10k
