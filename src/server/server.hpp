#pragma once

#include "base/log.hpp"
#include "c10k/limits.hpp"
#include "c10k/task.hpp"
#include "connection/counters.hpp"
#include "connection/websocket_connection.hpp"
#include "loop/loop.hpp"
#include "server/admission.hpp"
#include "server/application.hpp"
#include "server/connection_list.hpp"
#include "server/pending_connections.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace c10k {

class ServerCertificates;

// Listens, and serves the connections that it accepts.
class Server final : private ListenerEvents, private PendingConnections::Door {
public:
    // The first four outlive the server. With certificates it speaks TLS. The admission is that of the servers it
    // shares its limits with.
    Server(Loop& loop, Application& application, const ServerLimits& limits,
           const ServerCertificates* certificates = nullptr,
           std::shared_ptr<Admission> admission = std::make_shared<Admission>());
    // Requires: no connection is left; close() has seen to that.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Returns the address it got. Throws std::system_error.
    Address listen(const Address& address, PortUse use = PortUse::kAlone);

    // The same with a socket that listens already, and is the server's from now on: see ListenOptions.
    Address listen_on(int descriptor);

    // Accepts no more, and after the grace stops listening, closes every WebSocket at the drain rate, the oldest first,
    // lets requests that run finish, and waits for the end of all connections; those that are left after the shutdown
    // time are cut.
    Task<> close(const ShutdownOptions& shutdown_options = {});

    // Begins to serve a connection from `client`, which has sent `early` already.
    void welcome(SocketId socket, const Address& client, std::span<char> early);
    // A connection through `proxy` did not begin as it should, and is closed.
    void refuse_proxied(SocketId socket, const Address& proxy, std::string_view why);
    // Logs what was done to `peer`, and why; at most one such line a second.
    void warn_of(std::string_view peer, std::string_view what, std::string_view why);

    [[nodiscard]] std::size_t count() const noexcept { return connections_.count(); }
    [[nodiscard]] ConnectionList& connections() noexcept { return connections_; }
    [[nodiscard]] bool is_closing() const noexcept { return closing_; }
    [[nodiscard]] bool is_secure() const noexcept { return certificates_ != nullptr; }
    [[nodiscard]] LoopServices& services() const noexcept { return services_; }
    [[nodiscard]] Loop& loop() const noexcept { return loop_; }
    [[nodiscard]] Application& application() const noexcept { return application_; }
    [[nodiscard]] const ServerLimits& limits() const noexcept { return limits_; }
    [[nodiscard]] Counters& counters() const noexcept { return counters_; }
    [[nodiscard]] Admission& admission() const noexcept { return *admission_; }
    [[nodiscard]] PendingConnections& pending_connections() noexcept { return pending_; }
    // The Date field's value, renewed once a second.
    [[nodiscard]] const std::string& date();

private:
    class Retry;

    void on_accepted(SocketId socket, const Address& peer) override;
    void on_accept_failed(std::error_code error) override;

    // Decides what becomes of a new connection.
    void receive(SocketId socket, const Address& peer);
    // From now on it speaks TLS, if this server does.
    void secure(SocketId socket);
    // Answers with 503.
    void reject(SocketId socket, const Address& client, std::string_view why);
    // There are as many newcomers as there may be: no more are accepted for now.
    void hold() override;
    void go_on() override;
    // Those that the kernel had accepted when it was told to stop.
    void receive_held();
    ListenOptions with_limits(ListenOptions options) const noexcept;

    Address add_listener(SocketId listener);
    Task<> end();
    // Closes all connections, in batches.
    Task<> drain();
    // The connections have `time` to end by themselves. Returns whether they have.
    Task<bool> wait_for_end(std::chrono::milliseconds time);

    LoopServices& services_;
    Loop& loop_;
    Application& application_;
    const ServerLimits& limits_;
    const ServerCertificates* certificates_;
    std::shared_ptr<Admission> admission_;
    Counters& counters_;
    ConnectionList connections_;
    std::vector<SocketId> listeners_;
    std::deque<std::pair<SocketId, Address>> held_;
    PendingConnections pending_;
    log::RateLimit complaint_;
    std::unique_ptr<Retry> retry_;
    std::string date_;
    std::int64_t date_second_ = -1;
    bool closing_ = false;
    ShutdownOptions shutdown_options_;
};

}  // namespace c10k
