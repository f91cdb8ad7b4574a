#pragma once

#include "c10k/awaiter.hpp"
#include "c10k/semaphore.hpp"
#include "c10k/task.hpp"
#include "connection/dialling.hpp"
#include "connection/endpoint.hpp"
#include "connection/loop_services.hpp"
#include "http2/http2_backend.hpp"
#include "http2/http2_events.hpp"
#include "loop/loop.hpp"

#include <compare>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace c10k {

class SharedConnections;

// A client's connection of HTTP/2, whose streams are WebSockets.
class SharedConnection final : public Retirable, private SocketEvents, private Http2Events {
public:
    SharedConnection(SharedConnections& all, const Endpoint::Data& server);
    ~SharedConnection() override;

    // Takes over a socket that is connected to the server, and closes it if it throws.
    void begin(const Endpoint::Data& server, SocketId tcp);

    class ReadyAwaiter;
    // Suspends until the server allows WebSockets, or failure() says why it does not. Stops.
    [[nodiscard]] ReadyAwaiter ready() noexcept;
    // Why it is of no use; empty if it is ready.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    [[nodiscard]] SocketId id() const noexcept { return tcp_; }
    // The server will serve no more streams on it, or it has ended.
    [[nodiscard]] bool is_leaving() const noexcept { return is_leaving_; }
    [[nodiscard]] std::size_t free_streams() const noexcept;
    // Ends when its streams have.
    void finish();

private:
    // Of TLS, while its handshake lasts.
    void on_connected() override;
    void on_failed(std::error_code error) override;
    void on_received(std::span<char> /*bytes*/) override {}  // it does not receive
    void on_end() override {}
    void on_sent(std::size_t /*bytes*/) override {}

    void on_ready() override;
    void on_goaway() override { is_leaving_ = true; }
    void on_limit(Limit limit) override;
    void on_ended(const Http2Ending& ending) override;

    void begin_tls(const Endpoint::Data& server);
    void speak_http2();
    void fail(std::string_view why);
    void close() noexcept;
    void wake();
    [[nodiscard]] Http2Backend& backend() const noexcept;

    SharedConnections& all_;
    const Http2Options options_;  // of its own: it may outlive the endpoint
    SocketId tcp_;
    std::string failure_;
    bool is_ready_ = false;
    bool is_leaving_ = false;
    bool is_closed_ = true;  // there is no socket yet, or no more
    ReadyAwaiter* waiting_ = nullptr;
};

class [[nodiscard]] SharedConnection::ReadyAwaiter final : public Awaiter {
public:
    explicit ReadyAwaiter(SharedConnection& connection) noexcept : connection_(connection) {}
    [[nodiscard]] bool await_ready() const noexcept {
        return connection_.is_ready_ || !connection_.failure_.empty() || stop_requested();
    }
    void await_suspend(std::coroutine_handle<> task) noexcept {
        connection_.waiting_ = this;
        suspend(task);
    }
    void await_resume() const {
        connection_.waiting_ = nullptr;
        throw_if_stopped();
    }

private:
    friend class SharedConnection;
    void on_stop() noexcept override { resume(); }

    SharedConnection& connection_;
};

inline SharedConnection::ReadyAwaiter SharedConnection::ready() noexcept { return ReadyAwaiter{*this}; }

// The HTTP/2 connections of one loop's clients.
class SharedConnections {
    // The connections that count as the same: to one server at one address, with the same trust.
    struct Key {
        std::string address;  // its bytes
        std::string host;
        const TlsContext* tls = nullptr;
        std::uint32_t connections = 0;

        friend auto operator<=>(const Key&, const Key&) = default;
    };
    // The clients of a large crowd that connect one after the other often talk at the same time, and to the same
    // others: so many of them have streams of one connection before the next one's turn comes. Their messages then
    // share frames and packets. The first ones are too few for that: each takes the next connection.
    static constexpr std::size_t kNeighbours = 64;

    // One of the places of a server: a connection, or none yet.
    struct Place {
        Semaphore dialling{1};
        SharedConnection* connection = nullptr;
    };
    struct OfServer {
        std::vector<std::unique_ptr<Place>> places;
        std::size_t clients_so_far = 0;
        std::size_t clients = 0;
    };

public:
    explicit SharedConnections(LoopServices& services) noexcept : services_(services) {}
    // Those of the loop, which the first call makes.
    [[nodiscard]] static SharedConnections& of(LoopServices& services);

    // The connections that the clients of one server share. The entry exists as long as it has a client or one that
    // wants to connect.
    class Use {
    public:
        Use(SharedConnections& all, const Endpoint::Data& server);
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

        // Suspends until there is a connection that has a stream to spare, and returns its id. Dials if there has to
        // be one more. Throws ConnectError. Stops.
        Task<SocketId> next();

    private:
        Task<> dial(Place& place);

        SharedConnections& all_;
        const Endpoint::Data& server_;
        std::map<Key, OfServer>::iterator entry_;
    };

    // One of them has ended. It is destroyed later.
    void retire(SharedConnection& connection) noexcept;
    [[nodiscard]] LoopServices& services() const noexcept { return services_; }

private:
    LoopServices& services_;
    std::map<Key, OfServer> servers_;
    std::vector<std::unique_ptr<SharedConnection>> connections_;  // those that are ready, and those that leave
};

}  // namespace c10k
