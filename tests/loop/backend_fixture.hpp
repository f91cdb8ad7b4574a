#pragma once

#include "loop/backend.hpp"
#include "loop/backends.hpp"
#include "loop/epoll_backend.hpp"
#include "loop/ring.hpp"
#include "loop/uring_backend.hpp"
#include "testkit/memory_backend.hpp"
#include "tls/tls_everywhere.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// Whether a wait() is going on: no other call may deliver an event.
inline bool is_waiting = false;

// A socket that notes what happens to it.
class Notes final : public SocketEvents {
public:
    bool connected = false;
    bool ended = false;
    std::string received;
    std::vector<std::size_t> sent;
    std::error_code failure;
    std::function<void()> then = [] {};

    void on_connected() override {
        EXPECT_TRUE(is_waiting);
        connected = true;
    }
    void on_received(std::span<char> bytes) override {
        EXPECT_TRUE(is_waiting);
        received.append(bytes.data(), bytes.size());
        then();
    }
    void on_end() override {
        EXPECT_TRUE(is_waiting);
        ended = true;
    }
    void on_sent(std::size_t bytes) override {
        EXPECT_TRUE(is_waiting);
        sent.push_back(bytes);
    }
    void on_failed(std::error_code error) override {
        EXPECT_TRUE(is_waiting);
        EXPECT_FALSE(failure) << "told twice";
        failure = error;
    }
};

inline int wait(Backend& backend, std::optional<std::int64_t> until) {
    is_waiting = true;
    const int events = backend.wait(until);
    is_waiting = false;
    return events;
}

class Accepting final : public ListenerEvents {
public:
    std::vector<SocketId> sockets;
    std::vector<std::string> peers;
    std::vector<std::string> locals;
    std::error_code failure;

    void on_accepted(SocketId socket, const Address& peer, const Address& local) override {
        sockets.push_back(socket);
        peers.push_back(peer.text());
        locals.push_back(local.text());
    }
    void on_accept_failed(std::error_code error) override { failure = error; }
};

enum class Kind { kEpoll, kUring, kUringWithSmallBuffers, kMemory, kTlsOnEpoll, kTlsOnUring, kTlsOnMemory };

inline std::string kind_name(const testing::TestParamInfo<Kind>& info) {
    switch (info.param) {
        case Kind::kEpoll: return "epoll";
        case Kind::kUring: return "io_uring";
        case Kind::kUringWithSmallBuffers: return "io_uring_with_small_buffers";
        case Kind::kMemory: return "memory";
        case Kind::kTlsOnEpoll: return "tls_on_epoll";
        case Kind::kTlsOnUring: return "tls_on_io_uring";
        case Kind::kTlsOnMemory: return "tls_on_memory";
    }
    return "?";
}

inline bool is_uring(Kind kind) {
    return kind == Kind::kUring || kind == Kind::kUringWithSmallBuffers || kind == Kind::kTlsOnUring;
}
inline bool is_tls(Kind kind) {
    return kind == Kind::kTlsOnEpoll || kind == Kind::kTlsOnUring || kind == Kind::kTlsOnMemory;
}

inline std::unique_ptr<Backend> make(Kind kind) {
    switch (kind) {
        case Kind::kEpoll: return std::make_unique<EpollBackend>();
        case Kind::kUring: return std::make_unique<UringBackend>();
        case Kind::kUringWithSmallBuffers:
            return std::make_unique<UringBackend>(RingFeatures{.incremental_buffers = false});
        case Kind::kMemory: return std::make_unique<MemoryBackend>();
        case Kind::kTlsOnEpoll: return std::make_unique<TlsEverywhere>(make(Kind::kEpoll));
        case Kind::kTlsOnUring: return std::make_unique<TlsEverywhere>(make(Kind::kUring));
        case Kind::kTlsOnMemory: return std::make_unique<TlsEverywhere>(make(Kind::kMemory));
    }
    return nullptr;
}

// The promises of every backend.
class BackendTest : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override {
        if (is_uring(GetParam()) && !probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        backend = make(GetParam());
        listener = backend->listen(Address::resolve("127.0.0.1", 0), {.backlog = 16}, accepting);
    }

    void until(const std::function<bool()>& done) {
        for (int i = 0; i < 1000 && !done(); ++i) {
            wait(backend->now() + 10);
        }
        ASSERT_TRUE(done());
    }
    int wait(std::optional<std::int64_t> until) { return c10k::wait(*backend, until); }
    // Connects `client` to `server`, which both receive.
    void connect() {
        client_id = backend->connect(backend->local_address(listener));
        backend->attach(client_id, client);
        until([this] { return client.connected && !accepting.sockets.empty(); });
        server_id = accepting.sockets.back();
        backend->attach(server_id, server);
        backend->start_receiving(server_id);
        backend->start_receiving(client_id);
        if (is_tls(GetParam())) {  // the server's part of the handshake is done when it can be spoken to
            send(client_id, ".");
            until([this] { return server.received == "." && client.sent.size() == 1; });
            server.received.clear();
            client.sent.clear();
        }
    }
    // Notes bytes that the backend takes at once like an answer that comes later.
    void send(SocketId socket, std::string_view text) {
        const iovec piece{const_cast<char*>(text.data()), text.size()};
        if (const std::size_t taken = backend->send(socket, {&piece, 1}); taken > 0) {
            (socket == server_id ? server : client).sent.push_back(taken);
        }
    }

    std::unique_ptr<Backend> backend;
    Accepting accepting;
    SocketId listener;
    Notes client;
    Notes server;
    SocketId client_id;
    SocketId server_id;
};

}  // namespace c10k
