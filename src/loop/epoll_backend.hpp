#pragma once

#include "loop/backend.hpp"

#include <array>
#include <map>
#include <memory>
#include <unordered_map>
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
    void watch(int descriptor, internal::Readiness wanted, internal::DescriptorEvents& events) override;
    void unwatch(int descriptor, internal::Readiness wanted) noexcept override;
    [[nodiscard]] bool has_news() const noexcept override { return !ready_.empty(); }
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

    // A descriptor that is not ours. Each event ends its registration with epoll (EPOLLONESHOT), and each watch()
    // begins one: the owner may have closed it meanwhile, and another file may have its number.
    struct Watched {
        std::array<internal::DescriptorEvents*, 2> events{};  // by Readiness; null: nobody waits for that
        bool is_registered = false;                           // perhaps no more
    };

    SocketId add(int fd, Kind kind);
    Slot* find(SocketId socket) noexcept;
    // Tells epoll what this slot waits for, if that has changed.
    void update(std::uint32_t index);
    void accept(SocketId listener);
    void connected(SocketId socket);
    void receive(SocketId socket);
    void fail(SocketId socket, int error);
    // Asks epoll for what somebody waits for. Returns an errno, or 0.
    int ask(int descriptor, Watched& watched) noexcept;
    // Delivers an event of a descriptor that is not ours.
    void deliver(int descriptor, std::uint32_t events);
    // Delivers those of `ready_`. Returns whether there are any.
    bool deliver_ready();

    int epoll_;
    int wake_;
    std::vector<Slot> slots_;
    std::uint32_t first_free_;
    std::unique_ptr<char[]> buffer_;
    HeardUntil heard_;
    std::map<std::uint32_t, Address> listening_;  // the addresses of listeners, by slot
    std::unordered_map<int, Watched> watched_;    // by descriptor
    std::vector<int> ready_;                      // those that are always ready, and for which somebody waits
    bool has_more_ = false;                       // a socket has filled the buffer in this wait()
    bool is_full_ = false;  // the last accepted socket took a descriptor that is reserved for the program
};

}  // namespace c10k
