#pragma once

#include "tls/certificates.hpp"
#include "tls/tls_backend.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace c10k {

// A network on which everybody speaks TLS without knowing it: what runs on any backend must run on this one too.
class TlsEverywhere final : public Backend {
public:
    explicit TlsEverywhere(std::unique_ptr<Backend> inner) : tls_(std::move(inner)) {}

    [[nodiscard]] std::string_view name() const noexcept override { return tls_.name(); }
    [[nodiscard]] std::size_t capacity() const noexcept override { return tls_.capacity(); }
    SocketId listen(const Address& address, const ListenOptions& options, ListenerEvents& events) override {
        listeners_.push_back(std::make_unique<Listener>(tls_, events));
        return tls_.listen(address, options, *listeners_.back());
    }
    [[nodiscard]] Address local_address(SocketId socket) const override { return tls_.local_address(socket); }
    void pause_accepting(SocketId listener) override { tls_.pause_accepting(listener); }
    void resume_accepting(SocketId listener) override { tls_.resume_accepting(listener); }
    using Backend::connect;
    SocketId connect(const Address& to, const Address& from) override {
        const SocketId socket = tls_.connect(to, from);
        tls_.secure(socket, TestTls::get().client, "127.0.0.1");
        return socket;
    }
    void attach(SocketId socket, SocketEvents& events) override { tls_.attach(socket, events); }
    void start_receiving(SocketId socket) override { tls_.start_receiving(socket); }
    void stop_receiving(SocketId socket) override { tls_.stop_receiving(socket); }
    std::size_t send(SocketId socket, std::span<const iovec> bytes) override { return tls_.send(socket, bytes); }
    void shutdown_write(SocketId socket) override { tls_.shutdown_write(socket); }
    using Backend::close;
    void close(SocketId socket, std::shared_ptr<const void> unsent) override { tls_.close(socket, std::move(unsent)); }
    [[nodiscard]] std::int64_t now() const noexcept override { return tls_.now(); }
    [[nodiscard]] std::uint64_t failures_after_close() const noexcept override { return tls_.failures_after_close(); }
    void watch(int descriptor, internal::Readiness wanted, internal::DescriptorEvents& events) override {
        tls_.watch(descriptor, wanted, events);
    }
    void unwatch(int descriptor, internal::Readiness wanted) noexcept override { tls_.unwatch(descriptor, wanted); }
    [[nodiscard]] bool has_news() const noexcept override { return tls_.has_news(); }
    int wait(std::optional<std::int64_t> until) override { return tls_.wait(until); }
    [[nodiscard]] std::int64_t heard_until() const noexcept override { return tls_.heard_until(); }
    void wake() noexcept override { tls_.wake(); }

private:
    // The handshake of a client goes on before its socket has an owner, so that tests may attach late.
    class Listener final : public ListenerEvents {
    public:
        Listener(TlsBackend& tls, ListenerEvents& events) : tls_(tls), events_(events) {}
        void on_accepted(SocketId socket, const Address& peer, const Address& local) override {
            tls_.secure(socket, TestTls::get().certificates.current());
            tls_.start_receiving(socket);
            events_.on_accepted(socket, peer, local);
        }
        void on_accept_failed(std::error_code error) override { events_.on_accept_failed(error); }

    private:
        TlsBackend& tls_;
        ListenerEvents& events_;
    };

    TlsBackend tls_;
    std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace c10k
