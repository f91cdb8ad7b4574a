#pragma once

#include "server/application.hpp"

#include <exception>
#include <string>
#include <utility>

namespace c10k::testkit {

// A site under test: records the failures of the views of the application behind it.
class FailureRecorder final : public Application {
public:
    // Requires: `site` outlives it.
    explicit FailureRecorder(Application& site) noexcept : site_(site) {}

    // The first failure; empty if there is none.
    [[nodiscard]] const std::string& first_failure() const noexcept { return first_failure_; }

    [[nodiscard]] bool came_securely(const Request& request) const override { return site_.came_securely(request); }
    [[nodiscard]] bool reads_body(const Request& request) override { return site_.reads_body(request); }
    Answer answer(Request& request, int minor_version) override { return site_.answer(request, minor_version); }
    Response on_view_failed(const Request& request, std::exception_ptr failure) override {
        return site_.on_view_failed(request, std::move(failure));
    }
    void on_stream_failed(const Request& request, std::exception_ptr failure) override;
    Response on_refused(std::string_view peer, int status, std::string_view reason) override {
        return site_.on_refused(peer, status, reason);
    }
    std::uint16_t on_websocket_failed(const WebSocketRoute& route, WebSocket& socket,
                                      std::exception_ptr failure) override;
    void on_answered(const Request& request, const Response& response) override;
    void on_websocket_opened(const WebSocketRoute& route, const Request& request, WebSocket& socket) override {
        site_.on_websocket_opened(route, request, socket);
    }
    void on_websocket_closed(const WebSocketRoute& route, WebSocket& socket) override {
        site_.on_websocket_closed(route, socket);
    }

private:
    void complain(std::string what);

    Application& site_;
    std::string first_failure_;
};

// The text of an exception.
[[nodiscard]] std::string text_of(std::exception_ptr failure);

}  // namespace c10k::testkit
