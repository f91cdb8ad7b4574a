#include "web/reload_application.hpp"

#include <utility>

namespace c10k {

Application::Answer ReloadApplication::answer(Request& request, int minor_version) {
    request.headers.remove("Accept-Encoding");  // the script goes into pages that are not compressed
    Answer answer = site_.answer(request, minor_version);
    if (auto* response = std::get_if<Response>(&answer)) {
        reload_.add_script(*response);
    } else if (auto* page = std::get_if<Task<Response>>(&answer)) {
        answer = with_script(std::move(*page));
    }
    return answer;
}

Task<Response> ReloadApplication::with_script(Task<Response> page) const {
    Response response = co_await std::move(page);
    reload_.add_script(response);
    co_return response;
}

Response ReloadApplication::on_view_failed(const Request& request, std::exception_ptr failure) {
    Response response = site_.on_view_failed(request, std::move(failure));
    reload_.add_script(response);
    return response;
}

void ReloadApplication::on_stream_failed(const Request& request, std::exception_ptr failure) {
    site_.on_stream_failed(request, std::move(failure));
}

Response ReloadApplication::on_refused(std::string_view peer, int status, std::string_view reason) {
    return site_.on_refused(peer, status, reason);
}

std::uint16_t ReloadApplication::on_websocket_failed(const WebSocketRoute& route, std::exception_ptr failure) {
    return site_.on_websocket_failed(route, std::move(failure));
}

void ReloadApplication::on_answered(const Request& request, const Response& response) {
    if (!Reload::is_ours(request.path)) {
        site_.on_answered(request, response);
    }
}

void ReloadApplication::on_websocket_opened(const WebSocketRoute& route, const Request& request, WebSocket& socket) {
    if (!Reload::is_ours(route.name)) {
        site_.on_websocket_opened(route, request, socket);
    }
}

void ReloadApplication::on_websocket_closed(const WebSocketRoute& route, WebSocket& socket) {
    if (!Reload::is_ours(route.name)) {
        site_.on_websocket_closed(route, socket);
    }
}

}  // namespace c10k
