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
// Code that gets a new socket may call secure() before attach(). Then on_connected() means that the handshake is done,
// on_failed() may have the errors of tls_error.hpp, and on_end() comes with the peer's close_notify, or with a FIN
// alone: HTTP and WebSocket know by themselves whether their data is whole, and RFC 9112, 9.8 asks a server to be
// prepared. A send() takes at most 64 KiB, and is answered when the kernel has taken all bytes that were encrypted for
// it. Bytes that arrive with the end of a client's handshake reach the owner even if it does not receive yet.
class TlsBackend final : public Backend {
public:
    explicit TlsBackend(std::unique_ptr<Backend> inner);
    ~TlsBackend() override;
    TlsBackend(const TlsBackend&) = delete;
    TlsBackend& operator=(const TlsBackend&) = delete;

    // The TLS backend of a loop, which others may be around. The first call puts it around the loop's backend: a loop
    // without TLS has none.
    static TlsBackend& of(Loop& loop);

    // From now on this socket speaks TLS. `name` is the host or IP address by which a client calls the server.
    // Requires: the socket was just accepted, or is connecting and has not had on_connected(); it has no owner. A
    // socket whose on_connected() has come to another owner may be secured, too: then begin() follows attach().
    void secure(SocketId socket, std::shared_ptr<const TlsContext> context, const std::string& name = {});
    // A server's socket may speak HTTP/2, a client's asks for it and for nothing else (ALPN, RFC 7301). Requires: it
    // speaks TLS, and its handshake has not begun.
    void offer_http2(SocketId socket) noexcept;
    // Whether the handshake has agreed on HTTP/2. Requires: on_connected() has come.
    [[nodiscard]] bool speaks_http2(SocketId socket) const noexcept;
    // Begins the client's handshake on a socket that was connected before secure().
    void begin(SocketId socket);
    // Takes encrypted bytes of the peer that have come already, behind something that was not TLS: wait() delivers
    // them. Requires: the socket speaks TLS, and no other bytes have come from it yet.
    void receive(SocketId socket, std::span<const char> early);

    [[nodiscard]] Backend* inner() const noexcept override { return inner_.get(); }
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
    void watch(int descriptor, internal::Readiness wanted, internal::DescriptorEvents& events) override {
        inner_->watch(descriptor, wanted, events);
    }
    void unwatch(int descriptor, internal::Readiness wanted) noexcept override { inner_->unwatch(descriptor, wanted); }
    [[nodiscard]] bool has_news() const noexcept override { return with_news_ != nullptr || inner_->has_news(); }
    [[nodiscard]] std::int64_t now() const noexcept override { return inner_->now(); }
    [[nodiscard]] std::chrono::system_clock::time_point wall_clock() const noexcept override {
        return inner_->wall_clock();
    }
    int wait(std::optional<std::int64_t> until) override;
    [[nodiscard]] std::int64_t heard_until() const noexcept override { return inner_->heard_until(); }
    void wake() noexcept override { inner_->wake(); }
    [[nodiscard]] const std::shared_ptr<LoopDelay>& delay() const noexcept override { return inner_->delay(); }

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
