#pragma once

#include "loop/backend.hpp"
#include "tls/tls_stream.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace c10k {

class Loop;

// A backend around another, in which some sockets speak TLS: their owner sends and receives plain bytes, the inner
// backend encrypted ones. All other sockets are the inner one's, and it has the same ids.
//
// Whoever gets a new socket decides what it is: secure() comes between its beginning and attach(). Then on_connected()
// means that the handshake is done, on_failed() may have the errors of tls_error.hpp, and on_end() comes with the
// peer's close_notify, or with a FIN alone: HTTP and WebSocket tell by themselves whether they are whole, and RFC
// 9112, 9.8 asks a server to be prepared. A send() takes at most 64 KiB, and is answered when the kernel has taken all
// that was encrypted for it. Bytes that come with the end of a client's handshake arrive even if it does not receive
// yet.
class TlsBackend final : public Backend {
public:
    explicit TlsBackend(std::unique_ptr<Backend> inner);
    ~TlsBackend() override;
    TlsBackend(const TlsBackend&) = delete;
    TlsBackend& operator=(const TlsBackend&) = delete;

    // That of a loop, which is put around the loop's backend at the first call: a loop without TLS has none.
    static TlsBackend& of(Loop& loop);

    // From now on this socket speaks TLS. `name` is what a client calls the server: a host or an IP address.
    // Requires: the socket was just accepted, or dialled and on_connected() has not come; nobody is attached to it. One
    // whose on_connected() has come to another owner may be secured, too: then begin() follows attach().
    void secure(SocketId socket, std::shared_ptr<const TlsContext> context, const std::string& name = {});
    // The client's handshake begins on a socket that was connected before secure().
    void begin(SocketId socket);
    // These bytes of the peer, encrypted, have come already, behind something that was not TLS: wait() delivers them.
    // Requires: the socket speaks TLS, and nothing else has come from it yet.
    void receive(SocketId socket, std::span<const char> early);

    [[nodiscard]] std::string_view name() const noexcept override { return inner_->name(); }
    [[nodiscard]] std::size_t capacity() const noexcept override { return inner_->capacity(); }
    SocketId listen(const Address& address, const ListenOptions& options, ListenerEvents& events) override;
    [[nodiscard]] Address local_address(SocketId socket) const override { return inner_->local_address(socket); }
    void pause_accepting(SocketId listener) override { inner_->pause_accepting(listener); }
    void resume_accepting(SocketId listener) override { inner_->resume_accepting(listener); }
    void leave_accepting(SocketId listener) override { inner_->leave_accepting(listener); }
    using Backend::connect;
    SocketId connect(const Address& to, const Address& from) override { return inner_->connect(to, from); }
    void attach(SocketId socket, SocketEvents& events) override;
    void start_receiving(SocketId socket) override;
    void stop_receiving(SocketId socket) override;
    [[nodiscard]] std::size_t send(SocketId socket, std::span<const iovec> bytes) override;
    void shutdown_write(SocketId socket) override;
    using Backend::close;
    void close(SocketId socket, std::shared_ptr<const void> unsent) override;
    [[nodiscard]] std::uint64_t failures_after_close() const noexcept override {
        return Backend::failures_after_close() + inner_->failures_after_close();
    }
    [[nodiscard]] std::int64_t now() const noexcept override { return inner_->now(); }
    int wait(std::optional<std::int64_t> until) override;
    [[nodiscard]] std::int64_t heard_until() const noexcept override { return inner_->heard_until(); }
    void wake() noexcept override { inner_->wake(); }

private:
    class Socket;

    // Null if it does not speak TLS.
    [[nodiscard]] Socket* find(SocketId socket) const noexcept;
    void forget_closed() noexcept;

    std::unique_ptr<Backend> inner_;
    std::vector<std::unique_ptr<Socket>> sockets_;  // by slot
    std::unique_ptr<Socket> closed_;                // a list, until the next wait(): they may be on the stack
    Socket* with_news_ = nullptr;                   // a list: the next wait() delivers what they have for their owners
    Socket* delivering_ = nullptr;                  // the rest of that list while wait() does so
    TlsScratch scratch_;
};

}  // namespace c10k
