#pragma once

#include "base/address.hpp"
#include "c10k/internal/descriptor_events.hpp"
#include "loop/loop_delay.hpp"
#include "loop/sockets.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <sys/uio.h>
#include <system_error>
#include <utility>

namespace c10k {

// The interface between the loop and the operating system. It is shaped by completions, not by readiness, and small: a
// backend moves bytes, accepts, connects and sleeps. It knows no protocol and no coroutine.
//
// Only wait() delivers events: no other call comes back to its caller before it returns. The backend remembers a
// failure inside another call, and the next wait() delivers it. After close() no event follows; the backend only counts
// failures.
//
// Thread: everything but wake() belongs to the thread of the loop.

// A socket of one backend; never a descriptor, since some backends have none.
struct SocketId {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;

    friend bool operator==(SocketId, SocketId) = default;
};

// The events of a connected socket. Backend::wait() makes these calls; each may close the socket.
// None destroys the object that it is made on: see Loop::retire().
class SocketEvents {
public:
    // Bytes will be received soon: the callee may ask the processor for memory that it will need.
    virtual void prepare() const noexcept {}
    // The socket is connected.
    virtual void on_connected() {}
    // The bytes lie where the kernel put them. The callee may change them in place; they are gone after the call.
    virtual void on_received(std::span<char> bytes) = 0;
    // The peer has finished sending: a FIN, or close_notify under TLS.
    virtual void on_end() = 0;
    // Answers a send() that returned 0: the backend has taken this many of its bytes; 0 means that the kernel was full
    // and has room again.
    virtual void on_sent(std::size_t bytes) = 0;
    // The connection is lost, or was never made. No event follows; the owner has to close the socket.
    virtual void on_failed(std::error_code error) = 0;

protected:
    ~SocketEvents() = default;
};

class ListenerEvents {
public:
    // A new socket, which is silent until it is attached and told to receive. `local` is the address that the peer
    // connected to.
    virtual void on_accepted(SocketId socket, const Address& peer, const Address& local) = 0;
    // No socket could be accepted, because descriptors or memory have run out. The listener is paused.
    virtual void on_accept_failed(std::error_code error) = 0;

protected:
    ~ListenerEvents() = default;
};

struct ListenOptions {
    int backlog = 4096;  // connections that the kernel completes before they are accepted
    PortUse port_use = PortUse::kAlone;
    int unsent_bytes = kMaxUnsentBytes;  // of each that is accepted: see there
    // Of each that is accepted: silence of the peer's machine, which is asked whether it is there, after which the
    // connection fails (0: as the system does it, after hours).
    std::chrono::seconds keepalive{0};
    // A listening socket to use instead of opening one; the address and the rest do not matter then. Other processes
    // may have it, too, and go on listening when this one closes it.
    int inherited = -1;
};

class Backend {
public:
    virtual ~Backend() = default;

    // The backend that this one is around, such as TLS around epoll; null if it is around none.
    [[nodiscard]] virtual Backend* inner() const noexcept { return nullptr; }

    // A name that parse_backend() takes: on_loops() makes the backends of further loops by it. Loops in memory have no
    // further ones.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    // How many sockets it can hold under the current limits of the process; memory may run out before.
    [[nodiscard]] virtual std::size_t capacity() const noexcept = 0;

    // Throws std::system_error if the address cannot be listened on.
    virtual SocketId listen(const Address& address, const ListenOptions& options, ListenerEvents& events) = 0;
    // The address that a listener got: port 0 becomes a real one.
    [[nodiscard]] virtual Address local_address(SocketId socket) const = 0;
    // Sockets that are already accepted still come.
    virtual void pause_accepting(SocketId listener) = 0;
    virtual void resume_accepting(SocketId listener) = 0;
    // Pauses for good, before close(). Of several listeners on one socket, the kernel may have woken only this one for
    // the connections that wait: it accepts them, so that they need not wait until another one comes.
    virtual void leave_accepting(SocketId listener) { pause_accepting(listener); }

    // Makes a new socket. The caller attaches to it at once; then on_connected() or on_failed() follows. It connects
    // from the address `from`; if that has no family, the kernel chooses. Throws std::system_error if the kernel has no
    // socket left.
    virtual SocketId connect(const Address& to, const Address& from) = 0;
    SocketId connect(const Address& to) { return connect(to, {}); }

    // From now on `events` gets the events of this socket.
    virtual void attach(SocketId socket, SocketEvents& events) = 0;
    virtual void start_receiving(SocketId socket) = 0;
    // Bytes that are already in transit may still arrive.
    virtual void stop_receiving(SocketId socket) = 0;
    // Returns how many bytes were taken from the beginning of `bytes`. After 0, exactly one on_sent() or on_failed()
    // answers from wait(). Until then `bytes` must stay, beyond close() too: see there.
    // Requires: no other send() on this socket is unanswered.
    [[nodiscard]] virtual std::size_t send(SocketId socket, std::span<const iovec> bytes) = 0;
    // Sends FIN after everything sent before.
    virtual void shutdown_write(SocketId socket) = 0;
    // No event follows. The kernel still delivers the bytes that it has taken, unless bytes have come that nobody read.
    // `unsent` owns the bytes of an unanswered send(); the backend keeps it for as long as the kernel may read them.
    virtual void close(SocketId socket, std::shared_ptr<const void> unsent) = 0;
    void close(SocketId socket) { close(socket, nullptr); }
    // How many failures no owner has heard of, because the socket was closed.
    [[nodiscard]] virtual std::uint64_t failures_after_close() const noexcept { return failures_after_close_; }

    // Watches a descriptor that is not the backend's, and stays open meanwhile: once, until `events` hears that it is
    // ready, which may be in the next wait(), or unwatch() comes. Throws std::system_error if the kernel refuses, and
    // std::logic_error if it is watched for the same already, or this backend has no descriptors.
    virtual void watch(int descriptor, internal::Readiness wanted, internal::DescriptorEvents& events);
    // Requires: watch() has begun that, and its event has not come.
    virtual void unwatch(int /*descriptor*/, internal::Readiness /*wanted*/) noexcept {}
    // Whether the next wait() has events to deliver that the kernel does not know of: it will not sleep.
    [[nodiscard]] virtual bool has_news() const noexcept { return false; }

    // Milliseconds of a clock that never jumps.
    [[nodiscard]] virtual std::int64_t now() const noexcept = 0;
    // The time of day for the Date of a response; in a simulation it is simulated, too.
    [[nodiscard]] virtual std::chrono::system_clock::time_point wall_clock() const noexcept {
        return std::chrono::system_clock::now();
    }
    // Delivers all events that there are. If there are none, sleeps until one comes, wake() is called, or the clock
    // shows `until` (nullopt: for ever). Returns how many events it delivered, without answers to send() and those of
    // watch(): 0 means that there was nothing to read.
    virtual int wait(std::optional<std::int64_t> until) = 0;
    // The backend has delivered everything that had arrived when the clock showed this time. So the loop has heard
    // whatever a peer sent until then, and no timer that ends a peer may run ahead of it. A wait() whose `until` has
    // come, and is not 0, moves this time to its own beginning if it leaves nothing unread.
    [[nodiscard]] virtual std::int64_t heard_until() const noexcept = 0;
    // Ends the wait() in progress, or the next one. Thread: any; also from a signal handler.
    virtual void wake() noexcept = 0;
    // How late the loop runs; may be read when it has ended. A backend in memory knows no delay.
    [[nodiscard]] virtual const std::shared_ptr<LoopDelay>& delay() const noexcept { return delay_; }

protected:
    void count_failure_after_close() noexcept { ++failures_after_close_; }

private:
    const std::shared_ptr<LoopDelay> delay_ = std::make_shared<LoopDelay>();
    std::uint64_t failures_after_close_ = 0;
};

// Backend::heard_until() of a backend whose sockets take turns. Peers that send faster than the loop reads cannot hold
// the time up for ever: it moves on when each socket has had enough turns to read everything that the kernel held of
// it.
class HeardUntil {
public:
    explicit HeardUntil(std::int64_t now) noexcept : wait_began_(now), round_began_(now), time_(now) {}

    // A wait() begins.
    void begin(std::int64_t now) noexcept {
        wait_began_ = now;
        if (events_ == 0) {
            round_began_ = now;
        }
    }
    // It has delivered `events` to some of `sockets`, and perhaps left nothing unread.
    void end(std::size_t events, bool is_drained, std::size_t sockets) noexcept {
        events_ += events;
        if (is_drained || events_ > sockets * kMaxTurns) {
            time_ = is_drained ? wait_began_ : round_began_;
            events_ = 0;
        }
    }
    [[nodiscard]] std::int64_t time() const noexcept { return time_; }

private:
    static constexpr std::size_t kMaxTurns = 32;  // of 256 KiB: more than the kernel holds of one socket

    std::int64_t wait_began_;
    std::int64_t round_began_;
    std::int64_t time_;
    std::size_t events_ = 0;  // in this round
};

}  // namespace c10k
