#include "web/reload_application.hpp"

#include "c10k/close_code.hpp"
#include "web/failure_explanation.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace c10k {
namespace {

// "2 min 14 s", "3.5 s"
std::string time_since(std::chrono::steady_clock::time_point begin) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const int minutes = static_cast<int>(seconds / 60);
    std::array<char, 48> text;
    if (minutes > 0) {
        std::snprintf(text.data(), text.size(), "%d min %.0f s", minutes, seconds - 60 * minutes);
    } else {
        std::snprintf(text.data(), text.size(), "%.1f s", seconds);
    }
    return text.data();
}

}  // namespace

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

std::uint16_t ReloadApplication::on_websocket_failed(const WebSocketRoute& route, WebSocket& socket,
                                                     std::exception_ptr failure) {
    const std::uint16_t code = site_.on_websocket_failed(route, socket, failure);
    const auto connection = open_.find(&socket);
    if (code == CloseCode::kInternalError && connection != open_.end()) {
        tell(connection->second, failure);
    }
    return code;
}

void ReloadApplication::tell(const Connection& connection, const std::exception_ptr& failure) const {
    const auto on_route = std::count_if(open_.begin(), open_.end(), [&connection](const auto& other) {
        return other.second.route == connection.route;
    });
    const Explanation::Facts facts{"Connection",
                                   {{"Path", '`' + connection.target + '`'},
                                    {"Route", '`' + connection.route->name + '`'},
                                    {"Peer", connection.peer},
                                    {"Open for", time_since(connection.opened)}}};
    reload_.failures().add(explain_failure(facts, static_cast<std::size_t>(on_route) - 1, failure));
}

void ReloadApplication::on_answered(const Request& request, const Response& response) {
    if (!Reload::is_ours(request.path)) {
        site_.on_answered(request, response);
    }
}

void ReloadApplication::on_websocket_opened(const WebSocketRoute& route, const Request& request, WebSocket& socket) {
    if (!Reload::is_ours(route.name)) {
        open_[&socket] = {&route, request.target, request.peer, std::chrono::steady_clock::now()};
        site_.on_websocket_opened(route, request, socket);
    }
}

void ReloadApplication::on_websocket_closed(const WebSocketRoute& route, WebSocket& socket) {
    if (!Reload::is_ours(route.name)) {
        open_.erase(&socket);
        site_.on_websocket_closed(route, socket);
    }
}

}  // namespace c10k
