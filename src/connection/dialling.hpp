#pragma once

#include "c10k/awaiter.hpp"
#include "connection/endpoint.hpp"
#include "loop/loop.hpp"

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace c10k {

// Connects to one of several addresses of a server (RFC 8305, 5). Suspends until one has answered, and returns its
// socket, which the caller closes. Throws ConnectError when none is left. Stops. Requires: it is awaited once.
class Dialling final : public Awaiter, private Timer {
public:
    Dialling(Loop& loop, const Endpoint::Data& server);
    ~Dialling();

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> task) { suspend(task); }
    SocketId await_resume();

    // The server's URL, and at which address it answered.
    [[nodiscard]] std::string where() const;
    // Says how each dialled address failed, such as "[::1]:80: Connection refused, 127.0.0.1:80: no answer".
    [[nodiscard]] std::string failures() const;

private:
    class Attempt;

    static constexpr std::chrono::milliseconds kAttemptDelay{250};  // RFC 8305, 5

    void dial_next();
    void on_time() override { dial_next(); }
    void end_with(Attempt& attempt);
    void go_on_without(const Attempt& attempt);
    // Whether nothing is under way.
    [[nodiscard]] bool is_over() const noexcept;
    void abort() noexcept;
    void on_stop() noexcept override;

    const Endpoint::Data& server_;
    Loop& loop_;
    std::vector<Attempt> attempts_;  // never grows beyond what is reserved: their sockets point to them
    std::size_t first_ = 0;          // the address that was dialled first
    Attempt* answered_ = nullptr;
    std::optional<std::size_t> taken_;  // the address that answered
};

// One address of the server.
class Dialling::Attempt final : public SocketEvents {
public:
    Attempt(Dialling& dialling, std::size_t address) noexcept : dialling_(dialling), address_(address) {}

    // Whether it is under way.
    bool dial();
    [[nodiscard]] std::size_t address() const noexcept { return address_; }
    [[nodiscard]] bool is_open() const noexcept { return socket_.has_value(); }
    SocketId release() noexcept { return *std::exchange(socket_, std::nullopt); }
    void close() noexcept;
    [[nodiscard]] std::string text() const;

private:
    void on_connected() override { dialling_.end_with(*this); }
    void on_failed(std::error_code error) override;
    void on_received(std::span<char> /*bytes*/) override {}  // it does not receive
    void on_end() override {}
    void on_sent(std::size_t /*bytes*/) override {}

    Dialling& dialling_;
    std::size_t address_;
    std::optional<SocketId> socket_;
    std::error_code failure_;
};

}  // namespace c10k
