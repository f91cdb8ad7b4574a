#pragma once

#include "c10k/timer.hpp"
#include "loop/backend.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace c10k {

// A network in memory, for tests: sockets are queues of bytes, and the clock moves only when it is told to.
//
// connect() reaches the listener on the same port, whatever the host. It is deterministic, and no kinder than a real
// network: a peer that closes with unread bytes, or is sent more after it has closed, resets the connection, and then
// what was under way to the other side is lost (RFC 9112, 9.6).
class MemoryBackend final : public Backend {
public:
    // What this network does to those who use it. May be changed at any time.
    struct Conditions {
        std::size_t send_bytes = SIZE_MAX;       // the most that one send() takes
        std::size_t receive_bytes = SIZE_MAX;    // the most that one on_received() brings
        std::size_t kernel_bytes = 1024 * 1024;  // the most under way in one direction: then the kernel is full
        bool answers_later = false;              // wait() answers a send(), and only then looks at its bytes
        int failing_accepts = 0;                 // so many of the next find no descriptor (EMFILE)
    };

    MemoryBackend();
    ~MemoryBackend() override;
    MemoryBackend(const MemoryBackend&) = delete;
    MemoryBackend& operator=(const MemoryBackend&) = delete;

    [[nodiscard]] Conditions& conditions() noexcept { return conditions_; }
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
    void send(SocketId socket, std::span<const iovec> bytes) override;
    void finish_sending(SocketId socket) override;
    using Backend::close;
    void close(SocketId socket, std::shared_ptr<const void> unsent) override;
    [[nodiscard]] std::int64_t now() const noexcept override { return now_; }
    // Does not sleep but moves the clock to `until`. With nothing to wait for but wake(), it really waits, and throws
    // std::logic_error if nothing wakes it: the test hangs.
    int wait(std::optional<std::int64_t> until) override;
    void wake() noexcept override;

private:
    enum class Kind : std::uint8_t { kFree, kListener, kDialling, kConnected, kFailed };

    struct Socket {
        Kind kind = Kind::kFree;
        std::uint32_t generation = 0;
        Address address;
        SocketEvents* events = nullptr;
        ListenerEvents* listener_events = nullptr;
        std::deque<SocketId> unaccepted;
        SocketId peer;
        std::string incoming;  // on its way to this socket
        std::vector<iovec> unanswered;
        std::error_code failure;
        bool receiving = false;
        bool blocked = false;
        bool finished = false;  // FIN was sent
        bool ending = false;    // the peer's FIN is on its way
        bool ended = false;     // and was delivered
    };

    SocketId add(Kind kind, const Address& address);
    [[nodiscard]] Socket* find(SocketId socket) noexcept;
    // Moves bytes to the peer. Returns how many it took: 0 if there is no room.
    std::size_t take(Socket& socket, std::span<const iovec> bytes);
    void lose(Socket& socket, int error);
    void free(SocketId id);
    bool drain_wake() noexcept;

    // One step of a wait() each; returns whether something was delivered.
    bool accept(SocketId id);
    bool connected(SocketId id);
    bool answer_send(SocketId id);
    bool receive(SocketId id);
    bool end(SocketId id);
    bool fail(SocketId id);

    Conditions conditions_;
    std::deque<Socket> sockets_;  // a deque, so that references live as long as the sockets
    std::vector<std::uint32_t> free_;
    std::uint16_t next_port_ = 40000;
    std::int64_t now_ = 1'000'000;
    int wake_;
};

}  // namespace c10k
