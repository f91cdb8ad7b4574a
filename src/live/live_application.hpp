#pragma once

#include "server/application.hpp"

#include <exception>
#include <string_view>

namespace c10k {

// The dashboard's own pages: their requests stay out of the site's log, but for those that are refused.
class LiveApplication final : public Application {
public:
    // Requires: it outlives this.
    explicit LiveApplication(Application& inner) noexcept : inner_(inner) {}

    [[nodiscard]] bool came_securely(const Request& request) const override { return inner_.came_securely(request); }
    [[nodiscard]] bool reads_body(const Request& request) override { return inner_.reads_body(request); }
    Answer answer(Request& request, int minor_version) override { return inner_.answer(request, minor_version); }
    Response on_view_failed(const Request& request, std::exception_ptr failure) override {
        return inner_.on_view_failed(request, std::move(failure));
    }
    Response on_refused(std::string_view peer, int status, std::string_view reason) override {
        return inner_.on_refused(peer, status, reason);
    }
    std::uint16_t on_websocket_failed(const WebSocketRoute& route, WebSocket& socket,
                                      std::exception_ptr failure) override {
        return inner_.on_websocket_failed(route, socket, std::move(failure));
    }
    void on_answered(const Request& request, const Response& response) override {
        if (response.status >= 400) {
            inner_.on_answered(request, response);
        }
    }
    void on_websocket_opened(const WebSocketRoute& /*route*/, const Request& /*request*/, WebSocket&) override {}
    void on_websocket_closed(const WebSocketRoute& /*route*/, WebSocket& /*socket*/) override {}

private:
    Application& inner_;
};

}  // namespace c10k
