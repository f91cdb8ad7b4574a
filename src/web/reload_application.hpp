#pragma once

#include "server/application.hpp"
#include "web/reload.hpp"

namespace c10k {

// A site whose pages follow their program: it puts the script into each page of the application behind it, and keeps
// the script's requests out of the log.
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
    std::uint16_t on_websocket_failed(const WebSocketRoute& route, std::exception_ptr failure) override;
    void on_answered(const Request& request, const Response& response) override;
    void on_websocket_opened(const WebSocketRoute& route, const Request& request, WebSocket& socket) override;
    void on_websocket_closed(const WebSocketRoute& route, WebSocket& socket) override;

private:
    Task<Response> with_script(Task<Response> page) const;

    Application& site_;
    const Reload& reload_;
};

}  // namespace c10k
