#pragma once

#include "loop/backend.hpp"

#include <memory>
#include <vector>

namespace c10k {

// Turns readiness into completions: level-triggered epoll, one recv per socket and turn, into one buffer of the loop.
class EpollBackend final : public Backend {
public:
    // Throws std::system_error.
    EpollBackend();
    ~EpollBackend() override;
    EpollBackend(const EpollBackend&) = delete;
    EpollBackend& operator=(const EpollBackend&) = delete;

    [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }
    [[nodiscard]] std::size_t capacity() const noexcept override;
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
    [[nodiscard]] std::int64_t now() const noexcept override;
    int wait(std::optional<std::int64_t> until) override;
    [[nodiscard]] std::int64_t heard_until() const noexcept override { return heard_.time(); }
    void wake() noexcept override;

private:
    enum class Kind : std::uint8_t { kFree, kListener, kConnecting, kSocket };

    struct Slot {
        union {
            SocketEvents* socket_events;
            ListenerEvents* listener_events;
            std::uint32_t next_free;
        };
        int fd;
        std::uint32_t generation;
        std::uint32_t interest;  // as last reported to epoll
        Kind kind;
        bool receiving : 1;
        bool blocked : 1;      // a send found the kernel full, or failed
        bool ended : 1;        // FIN came
        std::uint8_t failure;  // errno of a failed send, which wait() has yet to report
    };

    SocketId add(int fd, Kind kind);
    Slot* find(SocketId socket) noexcept;
    // Tells epoll what this slot waits for, if that has changed.
    void update(std::uint32_t index);
    void accept(SocketId listener);
    void connected(SocketId socket);
    void receive(SocketId socket);
    void fail(SocketId socket, int error);

    int epoll_;
    int wake_;
    std::vector<Slot> slots_;
    std::uint32_t first_free_;
    std::unique_ptr<char[]> buffer_;
    HeardUntil heard_;
    bool has_more_ = false;  // a socket has filled the buffer in this wait()
    bool is_full_ = false;   // the last accepted socket took a descriptor that is reserved for the program
};

}  // namespace c10k
