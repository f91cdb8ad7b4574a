#pragma once

#include "c10k/close_code.hpp"
#include "c10k/task.hpp"
#include "connection/loop_services.hpp"
#include "server/admission.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace c10k {

// How a server takes leave of its peers.
struct ShutdownOptions {
    // Of the WebSockets.
    std::uint16_t code = CloseCode::kGoingAway;
    std::string reason = "the server is shutting down";
    // How long views may go on before that, and connections between two requests wait for a last one.
    std::chrono::milliseconds grace{0};
};

// A connection that was accepted. A ConnectionList owns it.
class ServerConnection : public Retirable {
public:
    // The server closes: begins to end in good order, and returns at once.
    virtual void close(const ShutdownOptions& options) = 0;
    // Ends now, and asks the view to stop: the socket is gone on return.
    virtual void abort() noexcept = 0;
    // The limit under which it counts; never changes.
    [[nodiscard]] virtual Admission::Kind kind() const noexcept { return Admission::Kind::kTcp; }

private:
    friend class ConnectionList;

    ServerConnection* previous_ = nullptr;  // the next one is Retirable::link_
};

// Owns the connections of one server, the oldest first.
class ConnectionList {
public:
    // Both outlive the list.
    ConnectionList(LoopServices& services, Admission& admission);
    // Requires: it is empty.
    ~ConnectionList() = default;
    ConnectionList(const ConnectionList&) = delete;
    ConnectionList& operator=(const ConnectionList&) = delete;

    template <typename T, typename... Arguments>
    T& emplace(Arguments&&... arguments) {
        auto made = std::make_unique<T>(std::forward<Arguments>(arguments)...);
        T& connection = *made;
        add(std::move(made));
        return connection;
    }
    // The connection has ended: it leaves the list and the counts at once, and the loop destroys it at the end of the
    // turn. `slot` is its address's. Requires: none of its timers runs, and its destructor needs nothing of the server.
    void retire(ServerConnection& connection, Admission::AddressSlot slot) noexcept;

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    // From now on close_oldest() begins with the oldest, and goes on with those that come meanwhile.
    void start_closing() noexcept {
        next_to_close_ = first_;
        is_closing_ = true;
    }
    // Closes the next `count` connections. Returns whether there are more.
    bool close_oldest(std::size_t count, const ShutdownOptions& options);
    void abort_all() noexcept;

    class EmptyAwaiter;
    // Suspends until the list is empty. Stops. Requires: one task waits at a time.
    [[nodiscard]] EmptyAwaiter until_empty() noexcept;

private:
    void add(std::unique_ptr<ServerConnection> connection) noexcept;
    void count(Admission::Kind kind) noexcept;
    void uncount(Admission::Kind kind) noexcept;
    [[nodiscard]] static ServerConnection* next(const ServerConnection& connection) noexcept {
        return static_cast<ServerConnection*>(connection.link_);
    }

    LoopServices& services_;
    Admission& admission_;
    ServerConnection* first_ = nullptr;  // the oldest
    ServerConnection* last_ = nullptr;
    ServerConnection* next_to_close_ = nullptr;
    bool is_closing_ = false;
    std::size_t count_ = 0;
    EmptyAwaiter* waiting_ = nullptr;
};

class [[nodiscard]] ConnectionList::EmptyAwaiter final : public Awaiter {
public:
    explicit EmptyAwaiter(ConnectionList& list) noexcept : list_(list) {}
    [[nodiscard]] bool await_ready() const noexcept { return list_.empty() || stop_requested(); }
    void await_suspend(std::coroutine_handle<> task) {
        list_.waiting_ = this;
        suspend(task);
    }
    void await_resume() const { throw_if_stopped(); }

private:
    friend class ConnectionList;

    void on_stop() noexcept override {
        list_.waiting_ = nullptr;
        resume();
    }

    ConnectionList& list_;
};

inline ConnectionList::EmptyAwaiter ConnectionList::until_empty() noexcept { return EmptyAwaiter{*this}; }

}  // namespace c10k
