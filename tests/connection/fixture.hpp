#pragma once

#include "c10k/errors.hpp"
#include "loop/backends.hpp"
#include "server/application.hpp"
#include "server/server.hpp"
#include "testkit/harness.hpp"
#include "testkit/memory_backend.hpp"
#include "testkit/peer.hpp"
#include "tls/tls_everywhere.hpp"

#include <coroutine>
#include <exception>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {

// A gate that a view waits for until its test opens it.
class Gate {
public:
    void open() {
        is_open_ = true;
        if (waiting_ != nullptr) {
            std::exchange(waiting_, nullptr)->resume();
        }
    }

    class Wait final : public Awaiter {
    public:
        explicit Wait(Gate& gate) noexcept : gate_(gate) {}
        [[nodiscard]] bool await_ready() const noexcept { return gate_.is_open_ || stop_requested(); }
        void await_suspend(std::coroutine_handle<> task) noexcept {
            suspend(task);
            gate_.waiting_ = this;
        }
        void await_resume() const { throw_if_stopped(); }
        using Awaiter::resume;

    private:
        void on_stop() noexcept override {
            gate_.waiting_ = nullptr;
            resume();
        }

        Gate& gate_;
    };
    // Requires: nobody else waits.
    [[nodiscard]] Wait wait() noexcept { return Wait{*this}; }

private:
    Wait* waiting_ = nullptr;
    bool is_open_ = false;
};

// An application that a test writes as it goes: one WebSocket route at /ws/, and one view for all the rest.
class ScriptedApplication final : public Application {
public:
    std::function<Answer(Request&)> on_request = [](Request&) { return Response::text("hello"); };
    WebSocketRoute route{.name = "ws/", .subprotocols = {"chat.v2", "chat.v1"}, .view = {}};

    std::function<void(const Request&)> on_websocket_open = [](const Request&) {};
    // Whether on_request begins when the head of a request has come, and reads the body itself.
    std::function<bool(const Request&)> on_head = [](const Request&) { return false; };

    std::vector<int> statuses;
    std::vector<std::string> opened;  // targets
    std::vector<std::uint16_t> closed;
    int failures = 0;

    bool reads_body(const Request& request) override { return on_head(request); }
    Answer answer(Request& request, int minor_version) override {
        if (!request.path.starts_with("/ws/")) {
            return on_request(request);
        }
        auto examined = wire::read_handshake(request, minor_version);
        if (auto* offer = std::get_if<wire::HandshakeOffer>(&examined)) {
            const std::string rest = request.path.substr(4);
            const std::string_view text = rest;
            return WebSocketMatch{&route, Captures{{&text, 1}}, std::move(*offer)};
        }
        auto* refused = std::get_if<Response>(&examined);
        return refused != nullptr ? std::move(*refused) : wire::upgrade_required();
    }
    Response on_view_failed(const Request&, std::exception_ptr failure) override {
        try {
            std::rethrow_exception(std::move(failure));
        } catch (const HttpError& error) {
            return Response::text(error.what(), error.status());
        } catch (...) {
            ++failures;
            return Response::text("it failed", 500);
        }
    }
    Response on_refused(std::string_view, int status, std::string_view reason) override {
        return Response::text(std::string{reason}, status);
    }
    std::uint16_t on_websocket_failed(const WebSocketRoute&, WebSocket&, std::exception_ptr) override {
        ++failures;
        return 1011;
    }
    void on_answered(const Request&, const Response& response) override { statuses.push_back(response.status); }
    void on_websocket_opened(const WebSocketRoute&, const Request& request, WebSocket&) override {
        opened.push_back(request.target);
        on_websocket_open(request);
    }
    void on_websocket_closed(const WebSocketRoute&, WebSocket& socket) override {
        closed.push_back(socket.close_info().code);
    }
};

// The networks that every connection must work on.
enum class Network {
    kMemory,
    kByteByByte,   // one byte each send and receive
    kLateAnswers,  // sends are answered later, as io_uring does
    kEpoll,
    kUring,
    kTls,        // in memory, sends are answered later
    kTlsAtOnce,  // in memory
    kTlsByteByByte,
    kTlsOnEpoll,
    kTlsOnUring,
};

inline auto every_network() {
    return testing::Values(Network::kMemory, Network::kByteByByte, Network::kLateAnswers, Network::kEpoll,
                           Network::kUring, Network::kTls, Network::kTlsAtOnce, Network::kTlsByteByByte,
                           Network::kTlsOnEpoll, Network::kTlsOnUring);
}

inline std::string network_name(const testing::TestParamInfo<Network>& info) {
    switch (info.param) {
        case Network::kMemory: return "memory";
        case Network::kByteByByte: return "byte_by_byte";
        case Network::kLateAnswers: return "late_answers";
        case Network::kEpoll: return "epoll";
        case Network::kUring: return "io_uring";
        case Network::kTls: return "tls";
        case Network::kTlsAtOnce: return "tls_at_once";
        case Network::kTlsByteByByte: return "tls_byte_by_byte";
        case Network::kTlsOnEpoll: return "tls_on_epoll";
        case Network::kTlsOnUring: return "tls_on_io_uring";
    }
    return "?";
}

inline bool is_uring(Network network) { return network == Network::kUring || network == Network::kTlsOnUring; }
inline bool is_real(Network network) {
    return is_uring(network) || network == Network::kEpoll || network == Network::kTlsOnEpoll;
}

inline bool is_byte_by_byte(Network network) {
    return network == Network::kByteByByte || network == Network::kTlsByteByByte;
}
inline bool is_tls(Network network) { return network >= Network::kTls; }

inline std::unique_ptr<MemoryBackend> make_memory(Network network) {
    auto memory = std::make_unique<MemoryBackend>();
    if (is_byte_by_byte(network)) {
        memory->faults().write_bytes = 1;
        memory->faults().read_bytes = 1;
    }
    if (network == Network::kLateAnswers || network == Network::kTls) {
        memory->faults().late_answer = 1;
    }
    return memory;
}

using View = std::function<Task<>(WebSocket&, std::span<const std::string_view>)>;

// A server with a scripted application.
class ConnectionTest : public testing::Test {
protected:
    void start(Network network) {
        std::unique_ptr<Backend> backend;
        MemoryBackend* memory = nullptr;
        if (is_real(network)) {
            backend = make_backend(is_uring(network) ? BackendChoice::kUring : BackendChoice::kEpoll);
        } else {
            auto made = make_memory(network);
            memory = made.get();
            backend = std::move(made);
        }
        if (is_tls(network)) {
            backend = std::make_unique<TlsEverywhere>(std::move(backend));
        }
        harness_.reset();
        loop_.emplace(std::move(backend));
        harness_.emplace(*loop_, app, limits, memory);
    }

    testkit::Harness& harness() { return *harness_; }
    // Waits until the server has no connections.
    void wait_until_empty() {
        harness().run_until([this] { return harness().server().count() == 0; }, "the end of all connections");
    }
    void serve(View view) { app.route.view = std::move(view); }

    ScriptedApplication app;
    ServerLimits limits{};  // to be changed before start()

private:
    std::optional<Loop> loop_;
    std::optional<testkit::Harness> harness_;
};

// The same on every network.
class OnEveryNetwork : public ConnectionTest, public testing::WithParamInterface<Network> {
protected:
    void SetUp() override {
        if (is_uring(GetParam()) && !probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        start(GetParam());
    }
    [[nodiscard]] static bool is_in_memory() { return !is_real(GetParam()); }
};

// In memory, where the clock is ours.
class InMemory : public ConnectionTest {
protected:
    void SetUp() override { start(Network::kMemory); }
};

}  // namespace c10k
