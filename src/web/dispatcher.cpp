#include "web/dispatcher.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "c10k/web.hpp"
#include "web/error_pages.hpp"
#include "wire/host.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace c10k {
namespace {

// What a request's method may be (RFC 9110, 9.3; RFC 5789); another one is not implemented by any view that does not
// say so.
constexpr std::array<std::string_view, 9> kKnownMethods{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};

template <typename List>
bool contains(const List& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

std::string allow_field(const Route& route) {
    std::string allow;
    for (const std::string& method : route.methods()) {
        allow += method + ", ";
    }
    return allow + "OPTIONS";
}

Response with_allow(Response response, std::string allow) {
    response.headers.add("Allow", allow);
    return response;
}

// The path of a request, as the patterns have it.
std::string_view without_slash(std::string_view path) { return path.substr(path.starts_with('/') ? 1 : 0); }

// The same target with a slash behind the path. Since no pattern begins with a slash, neither does what is left of the
// path without its first, and the target cannot name another host (RFC 3986, 4.2).
std::string with_final_slash(const Request& request) {
    const std::string_view target = request.target;
    const std::size_t query = std::min(target.find('?'), target.size());
    return '/' + percent_encode(without_slash(request.path)) + '/' + std::string{target.substr(query)};
}

}  // namespace

Dispatcher::Dispatcher(const Urls& urls, const Settings& settings)
    : urls_(urls), settings_(settings), log_(settings.verbosity) {
    for (const Route& route : urls) {
        if (const auto* view = std::get_if<Route::Socket>(&route.view())) {
            sockets_.push_back({'/' + route.pattern(), route.subprotocols(), *view});
        }
    }
}

Application::Answer Dispatcher::answer(Request& request, int minor_version) {
    try {
        return dispatch(request, minor_version);
    } catch (...) {
        return on_view_failed(request, std::current_exception());
    }
}

Application::Answer Dispatcher::dispatch(Request& request, int minor_version) const {
    if (!host_is_ours(request, minor_version)) {
        return error(400, "This server does not serve the host that the request names; see the setting allowed_hosts.");
    }
    if (request.target == "*") {  // OPTIONS about the server itself (RFC 9110, 9.3.7)
        return Response{.status = 204};
    }
    if (const auto match = find(without_slash(request.path))) {
        return match->socket == nullptr ? serve_page(*match, request) : open_socket(*match, request, minor_version);
    }
    const auto with_slash = find(std::string{without_slash(request.path)} + '/');
    if (with_slash && with_slash->socket == nullptr && !request.path.ends_with('/')) {
        return Response::redirect(with_final_slash(request), 301);
    }
    return not_found(request);
}

std::optional<Dispatcher::Match> Dispatcher::find(std::string_view path) const {
    auto socket = sockets_.begin();
    for (const Route& route : urls_) {
        if (auto captures = route.match(path)) {
            return Match{&route, route.is_page() ? nullptr : &*socket, *std::move(captures)};
        }
        if (!route.is_page()) {
            ++socket;
        }
    }
    return std::nullopt;
}

bool Dispatcher::host_is_ours(const Request& request, int minor_version) const {
    const auto host = request.headers.get("Host");
    return host ? wire::host_allowed(*host, settings_.allowed_hosts) : minor_version == 0;
}

bool Dispatcher::origin_is_ours(const Request& request) const {
    return request.headers.count("Origin") <= 1 &&
           wire::origin_allowed(request.headers.get("Origin"), request.headers.get("Host").value_or(""),
                                settings_.allowed_origins);
}

Application::Answer Dispatcher::serve_page(const Match& match, Request& request) const {
    const Route& route = *match.route;
    if (contains(route.methods(), request.method)) {
        auto answer = std::get<Route::Page>(route.view())(request, match.captures);
        return std::visit([](auto& either) -> Answer { return std::move(either); }, answer);
    }
    if (request.method == "OPTIONS") {
        return with_allow({.status = 204}, allow_field(route));
    }
    if (!contains(kKnownMethods, request.method)) {
        return error(501, "This server does not know the method.");
    }
    return with_allow(error(405, "This page does not take the method."), allow_field(route));
}

Application::Answer Dispatcher::open_socket(const Match& match, const Request& request, int minor_version) const {
    auto examined = wire::examine(request, minor_version);
    if (auto* refusal = std::get_if<Response>(&examined)) {
        return std::move(*refusal);
    }
    if (std::holds_alternative<wire::PlainRequest>(examined)) {
        return wire::upgrade_required();
    }
    if (!origin_is_ours(request)) {
        return error(403, "Pages of this origin may not open a WebSocket here; see the setting allowed_origins.");
    }
    return WebSocketMatch{match.socket, Captures{match.captures}, std::get<wire::HandshakeOffer>(std::move(examined))};
}

// ---- Failures

Response Dispatcher::not_found(const Request& request) const {
    return settings_.debug ? debug_not_found(request, urls_) : error_page(404, "There is nothing at this address.");
}

Response Dispatcher::error(int status, std::string_view sentence) const {
    return settings_.debug ? debug_page(status, reason_phrase(status), sentence) : error_page(status);
}

Response Dispatcher::on_view_failed(const Request& request, std::exception_ptr failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const HttpError& wanted) {
        return error(wanted.status(), wanted.what());
    } catch (...) {
        const std::string route = route_name(request);
        log::error("Internal Server Error: " + request.method + ' ' + request.target + ", route " + route + ": " +
                   describe(failure));
        return settings_.debug ? debug_failure(request, route, failure) : error_page(500, "The server made a mistake.");
    }
}

std::string Dispatcher::route_name(const Request& request) const {
    const auto match = find(without_slash(request.path));
    if (!match) {
        return "none";
    }
    const std::string name = match->route->name().empty() ? "" : " (" + match->route->name() + ')';
    return '/' + match->route->pattern() + name;
}

Response Dispatcher::on_bad_request(std::string_view peer, int status, std::string_view reason) {
    log_.refused(peer, status, reason);
    return Response::text(std::string{reason} + '\n', status);
}

void Dispatcher::on_websocket_failed(const WebSocketRoute& route, std::exception_ptr failure) {
    log::error("WebSocket view failed: " + route.name + ": " + describe(std::move(failure)));
}

// ---- The log

void Dispatcher::on_answered(const Request& request, const Response& response) { log_.answered(request, response); }

void Dispatcher::on_websocket_opened(const WebSocketRoute& /*route*/, const Request& request) {
    log_.connected(request);
}

void Dispatcher::on_websocket_closed(const WebSocketRoute& route, const CloseInfo& info) {
    log_.disconnected(route.name, info.code);
}

}  // namespace c10k
