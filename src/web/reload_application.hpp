#pragma once

#include "server/application.hpp"
#include "web/reload.hpp"

#include <chrono>
#include <map>
#include <string>

namespace c10k {

// A site whose pages follow their program: it puts the script into each page of the application behind it, tells open
// pages of WebSockets whose views have thrown, and keeps the script's requests out of the log.
class ReloadApplication final : public Application {
public:
    // Requires: both outlive it.
    ReloadApplication(Application& site, const Reload& reload) noexcept : site_(site), reload_(reload) {}

    [[nodiscard]] bool came_securely(const Request& request) const override { return site_.came_securely(request); }
    [[nodiscard]] bool reads_body(const Request& request) override { return site_.reads_body(request); }
    Answer answer(Request& request, int minor_version) override;
    Response on_view_failed(const Request& request, std::exception_ptr failure) override;
    void on_stream_failed(const Request& request, std::exception_ptr failure) override;
    Response on_refused(std::string_view peer, int status, std::string_view reason) override;
    std::uint16_t on_websocket_failed(const WebSocketRoute& route, WebSocket& socket,
                                      std::exception_ptr failure) override;
    void on_answered(const Request& request, const Response& response) override;
    void on_websocket_opened(const WebSocketRoute& route, const Request& request, WebSocket& socket) override;
    void on_websocket_closed(const WebSocketRoute& route, WebSocket& socket) override;

private:
    // What a developer may have to know of an open WebSocket.
    struct Connection {
        const WebSocketRoute* route;
        std::string target;
        std::string peer;
        std::chrono::steady_clock::time_point opened;
    };

    Task<Response> with_script(Task<Response> page) const;
    void tell(const Connection& connection, const std::exception_ptr& failure) const;

    Application& site_;
    const Reload& reload_;
    std::map<const WebSocket*, Connection> open_;
};

}  // namespace c10k
