#pragma once

#include "c10k/timer.hpp"
#include "loop/backend.hpp"
#include "testkit/fault_injector.hpp"
#include "testkit/trace.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

namespace c10k {

// A loop throws this when it would sleep for ever: no timer, no socket and no other thread will wake it.
class Deadlock : public std::logic_error {
public:
    Deadlock() : std::logic_error("the loop waits, and nothing will ever happen") {}
};

// A network in memory, for tests: sockets are queues of bytes, and the clock moves only when a test moves it, or when
// the loop has nothing to do before.
//
// connect() reaches the listener on the same port, whatever the host. The network is deterministic, and no kinder than
// a real one: a peer that closes with unread bytes, or gets more bytes after it has closed, resets the connection, and
// bytes in transit to the other side are lost (RFC 9112, 9.6).
class MemoryBackend final : public Backend {
public:
    MemoryBackend();
    // One whose faults `injector` decides. `trace`, if there is one, notes each event.
    MemoryBackend(testkit::FaultInjector injector, testkit::Trace* trace);
    ~MemoryBackend() override;
    MemoryBackend(const MemoryBackend&) = delete;
    MemoryBackend& operator=(const MemoryBackend&) = delete;

    [[nodiscard]] testkit::FaultInjector& injector() noexcept { return injector_; }
    [[nodiscard]] testkit::Faults& faults() noexcept { return injector_.faults(); }
    // Moves the clock. Timers fire in the loop's next turn.
    void advance(Duration time) noexcept;
    // Closes the socket as a crashed host does: the other side gets ECONNRESET.
    void reset(SocketId socket);
    // How many sockets are open, listeners included.
    [[nodiscard]] std::size_t count() const noexcept { return sockets_.size() - free_.size(); }

    [[nodiscard]] std::string_view name() const noexcept override { return "memory"; }
    [[nodiscard]] std::size_t capacity() const noexcept override { return SIZE_MAX; }
    SocketId listen(const Address& address, const ListenOptions& options, ListenerEvents& events) override;
    [[nodiscard]] Address local_address(SocketId socket) const override;
    void pause_accepting(SocketId listener) override;
    void resume_accepting(SocketId listener) override;
    using Backend::connect;
    SocketId connect(const Address& to, const Address& from) override;
    void attach(SocketId socket, SocketEvents& events) override;
    void start_receiving(SocketId socket) override;
    void stop_receiving(SocketId socket) override;
    [[nodiscard]] std::size_t send(SocketId socket, std::span<const iovec> bytes) override;
    void shutdown_write(SocketId socket) override;
    using Backend::close;
    void close(SocketId socket, std::shared_ptr<const void> unsent) override;
    [[nodiscard]] std::int64_t now() const noexcept override { return now_; }
    // Begins at the same time in each run.
    [[nodiscard]] std::chrono::system_clock::time_point wall_clock() const noexcept override;
    // Does not sleep but moves the clock to `until`, or to when the next bytes arrive. With nothing to wait for but
    // wake(), it really waits (with a seed not even that), and throws Deadlock if nothing wakes it.
    int wait(std::optional<std::int64_t> until) override;
    [[nodiscard]] std::int64_t heard_until() const noexcept override { return heard_.time(); }
    void wake() noexcept override;

private:
    enum class Kind : std::uint8_t { kFree, kListener, kConnecting, kConnected, kFailed };

    // Something on its way to a socket.
    struct Arrival {
        enum class Kind : std::uint8_t { kBytes, kEnd, kReset };

        Kind kind;
        std::string bytes = {};
        std::int64_t at = 0;
    };

    struct Socket {
        Kind kind = Kind::kFree;
        std::uint32_t generation = 0;
        Address address;
        SocketEvents* events = nullptr;
        ListenerEvents* listener_events = nullptr;
        std::deque<SocketId> unaccepted;
        SocketId peer;
        std::int64_t exists_at = 0;    // when the connection is made, or is known not to be
        std::deque<Arrival> arrivals;  // in their order
        std::size_t arriving_bytes = 0;
        std::string incoming;                 // has arrived
        std::size_t kernel_bytes = SIZE_MAX;  // of both
        std::size_t swallowed = 0;            // bytes that it sent into silence
        std::vector<iovec> unanswered;
        std::error_code failure;
        bool receiving = false;
        std::uint8_t receives_on = 0;  // so many more waits until it stops
        bool blocked = false;
        bool finished = false;    // FIN was sent
        bool ending = false;      // the peer's FIN is on its way
        bool ended = false;       // and was delivered
        bool is_cut_off = false;  // the peer has heard its end, and hears nothing of what it sends now
        bool is_silent = false;   // nor does the peer hear of its end, or it of the peer's
    };

    SocketId add(Kind kind, const Address& address);
    [[nodiscard]] Socket* find(SocketId socket) noexcept;
    void free(SocketId id);
    void note(SocketId socket, std::string_view what, std::string_view bytes = {});
    void note_sent(SocketId socket, std::span<const iovec> bytes, std::size_t taken);

    // Moves bytes to the peer. Returns how many it took: 0 if there is no room.
    std::size_t take(Socket& socket, std::span<const iovec> bytes);
    // Breaks the connection. The next wait() tells the owner and the peer.
    void break_connection(SocketId id, int error);
    // The steps of a wait(), and their number of events.
    int deliver();
    [[nodiscard]] std::size_t room(Socket& socket) noexcept;
    // Sends a piece to the peer, and whatever fault is drawn for it.
    void send_piece(Socket& socket, Socket& peer, std::string piece);
    void travel(Socket& to, Arrival arrival);
    static void arrive(Socket& at, Arrival arrival);
    void bring_arrivals();
    // When the next thing happens by itself; empty if nothing will.
    [[nodiscard]] std::optional<std::int64_t> next_arrival() noexcept;
    // Whether one of the steps below could find something to do.
    [[nodiscard]] static bool may_have_events(const Socket& socket) noexcept;
    [[nodiscard]] bool holds_back() noexcept;
    bool drain_wake() noexcept;

    // One step of a wait() each; returns whether something was delivered.
    bool accept(SocketId id);
    bool connected(SocketId id);
    bool answer_send(SocketId id);
    bool receive(SocketId id);
    bool end(SocketId id);
    bool fail(SocketId id);

    testkit::FaultInjector injector_;
    testkit::Trace* trace_ = nullptr;
    std::deque<Socket> sockets_;  // a deque, so that references live as long as the sockets
    std::vector<std::uint32_t> free_;
    std::uint16_t next_port_ = 40000;
    std::int64_t now_ = 1'000'000;
    HeardUntil heard_{now_};
    bool held_back_ = false;  // something, in this wait()
    bool has_more_ = false;   // of which a part was read in this wait()
    int wake_;                // an eventfd, which is written to when `woken_` is set
    std::atomic<bool> woken_{false};
};

}  // namespace c10k
