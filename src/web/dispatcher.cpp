#include "web/dispatcher.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "c10k/json.hpp"
#include "c10k/web.hpp"
#include "server/request_body.hpp"
#include "web/error_pages.hpp"
#include "web/view_failures.hpp"
#include "wire/forwarded.hpp"
#include "wire/handshake.hpp"
#include "wire/host.hpp"
#include "wire/response_writer.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace c10k {
namespace {

// The known methods (RFC 9110, 9.3; RFC 5789). A view implements another one only if its route says so.
constexpr std::array<std::string_view, 9> kKnownMethods{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};

// Clients can repeat these at another address as they are.
constexpr std::array<std::string_view, 3> kMethodsWithoutBody{"GET", "HEAD", "OPTIONS"};

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

bool are_around_pages(const std::vector<Middleware>& layers) {
    return std::any_of(layers.begin(), layers.end(),
                       [](const Middleware& layer) { return static_cast<bool>(layer.around_page()); });
}

PageView around(const Middleware::AroundPage& layer, PageView view) {
    return [layer, inner = std::make_shared<PageView>(std::move(view))](Request& request, CapturedTexts captures) {
        return layer(request, Next<Request>{*inner, captures});
    };
}

SocketView around(const Middleware::AroundSocket& layer, SocketView view) {
    return [layer, inner = std::make_shared<SocketView>(std::move(view))](WebSocket& socket, CapturedTexts captures) {
        return layer(socket, Next<WebSocket>{*inner, captures});
    };
}

// The view with the WebSocket middleware of `layers` around it: the view itself if there is none.
SocketView wrap(SocketView view, const std::vector<Middleware>& layers) {
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
        if (layer->around_socket()) {
            view = around(layer->around_socket(), std::move(view));
        }
    }
    return view;
}

// The path of a request, as the patterns have it.
std::string_view without_slash(std::string_view path) { return path.substr(path.starts_with('/') ? 1 : 0); }

// The same target with a slash behind the path.
std::string with_final_slash(const Request& request) {
    const std::string_view target = request.target;
    const std::size_t query = std::min(target.find('?'), target.size());
    return encode_path(without_slash(request.path)) + '/' + std::string{target.substr(query)};
}

// Whether a page of this machine, on any port, asks this machine for a WebSocket, and does so from here: by a local
// name, since an attacker could make another name mean us (DNS rebinding), and not through a proxy from elsewhere.
bool is_within_machine(const Request& request) {
    static const std::vector<std::string> kLoopback{"127.0.0.0/8", "::1"};
    return request.headers.count("Origin") == 1 && wire::origin_is_local(*request.headers.get("Origin")) &&
           wire::host_is_local(request.headers.get("Host").value_or("")) &&
           wire::is_trusted(wire::client_of(request.peer, request.headers, kLoopback), kLoopback);
}

// Whether the browser shows the answer as a page by itself (Fetch Metadata): then no other page has to tell of it.
bool shows_answer(const Request& request) { return request.headers.get("Sec-Fetch-Mode") == "navigate"; }

// Returns a view's response if it can be sent. Throws std::logic_error otherwise.
Response sendable(Response response) {
    wire::require_sendable(response);
    return response;
}

}  // namespace

Compression default_compression(const Settings& settings) {
    if (!settings.compression) {
        return Compression::kOff;
    }
    return {.from_bytes = settings.compression_from_bytes,
            .context_takeover = settings.compression_context_takeover ? ContextTakeover::kYes : ContextTakeover::kNo,
            .window_bits = static_cast<std::uint8_t>(settings.compression_window_bits)};
}

Dispatcher::Dispatcher(const Urls& urls, const Settings& settings, std::shared_ptr<Refusals> refusals,
                       std::shared_ptr<Failures> failures)
    : urls_(urls), settings_(settings), log_(settings.verbosity), refusals_(std::move(refusals)),
      failures_(std::move(failures)) {
    for (const Route& route : urls) {
        targets_.push_back(target(route));
    }
    if (are_around_pages(urls.middleware())) {
        const auto inner = [this](Request& request, CapturedTexts) { return respond(find(request), request); };
        pages_ = wrap(inner, urls.middleware());
    }
}

// ---- Middleware

// A page's route has only the middleware of its own and of the lists it came with: that of the site is around pages_.
Dispatcher::Target Dispatcher::target(const Route& route) {
    if (const auto* page = std::get_if<PageView>(&route.view())) {
        return {&route, wrap(*page, route.middleware()), std::make_shared<Traffic>()};
    }
    SocketView view = c10k::wrap(std::get<SocketView>(route.view()), route.middleware());
    view = c10k::wrap(std::move(view), urls_.middleware());
    const Compression compression = route.compression().value_or(default_compression(settings_));
    WebSocketRoute target{'/' + route.pattern(), route.subprotocols(), compression, std::move(view),
                          route.slow_member()};
    std::shared_ptr<Traffic> traffic = target.traffic;
    return {&route, std::move(target), std::move(traffic)};
}

PageView Dispatcher::wrap(PageView view, const std::vector<Middleware>& layers) {
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
        if (layer->around_page()) {
            view = around(layer->around_page(), with_error_pages(std::move(view)));
        }
    }
    return view;
}

PageView Dispatcher::with_error_pages(PageView view) {
    return [this, view = std::move(view)](Request& request, CapturedTexts captures) -> PageAnswer {
        try {
            PageAnswer answer = view(request, captures);
            if (auto* task = std::get_if<Task<Response>>(&answer)) {
                return with_error_page(request, std::move(*task));
            }
            return sendable(std::get<Response>(std::move(answer)));
        } catch (...) {
            return on_view_failed(request, std::current_exception());
        }
    };
}

Task<Response> Dispatcher::with_error_page(Request& request, Task<Response> view) {
    try {
        co_return sendable(co_await std::move(view));
    } catch (const Stopped&) {
        throw;
    } catch (...) {
        co_return on_view_failed(request, std::current_exception());
    }
}

std::vector<RouteTraffic> Dispatcher::traffic() const {
    std::vector<RouteTraffic> traffic;
    for (const Target& target : targets_) {
        const Route& route = *target.route;
        traffic.push_back({'/' + route.pattern(), target.traffic,
                           route.is_page() ? RouteTraffic::Kind::kPage : RouteTraffic::Kind::kWebSocket,
                           route.slow_member()});
    }
    return traffic;
}

// ---- From a request to its view

bool Dispatcher::came_securely(const Request& request) const {
    return wire::came_securely(request, settings_.trusted_proxies);
}

bool Dispatcher::reads_body(const Request& request) {
    try {
        const auto match = find(request);
        return match && match->target->route->reads_body();
    } catch (...) {  // a converter throws: answer() reports it
        return false;
    }
}

Application::Answer Dispatcher::answer(Request& request, int minor_version) {
    try {
        request.is_secure = came_securely(request);
        request.peer = wire::client_of(request.peer, request.headers, settings_.trusted_proxies);
        if (!host_is_ours(request, minor_version)) {
            return error(400,
                         "This server does not serve the host that the request names; see the setting allowed_hosts.");
        }
        const auto match = find(request);
        if (match && match->socket() != nullptr) {
            return open_socket(*match, request, minor_version);
        }
        PageAnswer answer = pages_ ? pages_(request, {}) : respond(match, request);
        return std::visit([](auto& either) -> Answer { return std::move(either); }, answer);
    } catch (...) {
        return on_view_failed(request, std::current_exception());
    }
}

PageAnswer Dispatcher::respond(const std::optional<Match>& match, Request& request) const {
    if (request.target == "*") {  // OPTIONS about the server itself (RFC 9110, 9.3.7)
        return Response{.status = 204};
    }
    if (match) {
        return serve_page(*match, request);
    }
    const auto with_slash = find(std::string{without_slash(request.path)} + '/');
    if (with_slash && with_slash->socket() == nullptr && !request.path.ends_with('/')) {
        return redirect_to_slash(request);
    }
    return not_found(request);
}

// 308 keeps the method and the body (RFC 9110, 15.4.9), but the client has to send both again, and not every client
// does. With debug on, an error page tells the developer.
Response Dispatcher::redirect_to_slash(const Request& request) const {
    if (contains(kMethodsWithoutBody, request.method)) {
        Response redirect = Response::redirect(with_final_slash(request), 301);
        redirect.log_note = "The page's address ends with a slash.";
        return redirect;
    }
    if (settings_.debug) {
        return debug_page(404, "The final slash is missing",
                          request.method + ' ' + request.target + " leads to no page, but " +
                              with_final_slash(request) + " does. The server redirects GET there; what " +
                              request.method +
                              " sends would have to be sent twice, and some clients lose it. Write the final slash "
                              "where the form (its action), the script or the client names the address. With debug "
                              "off, the server answers with 308.");
    }
    return Response::redirect(with_final_slash(request), 308);
}

std::optional<Dispatcher::Match> Dispatcher::find(const Request& request) const {
    return request.target == "*" ? std::nullopt : find(without_slash(request.path));
}

std::optional<Dispatcher::Match> Dispatcher::find(std::string_view path) const {
    for (const Target& target : targets_) {
        if (auto captures = target.route->match(path)) {
            return Match{&target, *std::move(captures)};
        }
    }
    return std::nullopt;
}

bool Dispatcher::host_is_ours(const Request& request, int minor_version) const {
    const auto host = request.headers.get("Host");
    const bool is_ours = host ? wire::host_allowed(*host, settings_.allowed_hosts) : minor_version == 0;
    if (!is_ours && settings_.verbosity > 0) {
        refusals_->host_refused(request);
    }
    return is_ours;
}

bool Dispatcher::origin_is_ours(const Request& request) const {
    const bool is_ours = request.headers.count("Origin") <= 1 &&
                         wire::origin_allowed(request.headers.get("Origin"), request.headers.get("Host").value_or(""),
                                              settings_.allowed_origins,
                                              request.is_secure ? wire::Scheme::kHttps : wire::Scheme::kUnknown);
    const bool is_allowed_in_debug = !is_ours && settings_.debug && is_within_machine(request);
    if (!is_ours && settings_.verbosity > 0) {
        is_allowed_in_debug ? refusals_->origin_allowed_in_debug(request) : refusals_->origin_refused(request);
    }
    return is_ours || is_allowed_in_debug;
}

PageAnswer Dispatcher::serve_page(const Match& match, Request& request) const {
    const auto* view = std::get_if<PageView>(&match.target->view);
    if (view == nullptr) {  // middleware has led the request to a WebSocket
        return upgrade_required();
    }
    const Route& route = *match.target->route;
    match.target->traffic->received.add();
    if (contains(route.methods(), request.method)) {
        const bool lacks_body = request.body_reader != nullptr && request.body_reader->body().is_in_pieces();
        if (lacks_body && !route.reads_body()) {
            return serve_whole(*view, match.captures, request);
        }
        return (*view)(request, match.captures);
    }
    if (request.method == "OPTIONS") {
        return with_allow({.status = 204}, allow_field(route));
    }
    if (!contains(kKnownMethods, request.method)) {
        return error(501, "This server does not know the method.");
    }
    return with_allow(error(405, "This page does not take the method."), allow_field(route));
}

Task<Response> Dispatcher::serve_whole(const PageView& view, std::vector<std::string_view> captures,
                                       Request& request) const {
    request.body = co_await request.body_reader->read_all(settings_.max_body_bytes);
    PageAnswer answer = view(request, captures);
    if (auto* task = std::get_if<Task<Response>>(&answer)) {
        co_return co_await std::move(*task);
    }
    co_return std::get<Response>(std::move(answer));
}

Application::Answer Dispatcher::open_socket(const Match& match, const Request& request, int minor_version) const {
    auto examined = wire::read_handshake(request, minor_version);
    if (auto* refusal = std::get_if<Response>(&examined)) {
        return std::move(*refusal);
    }
    if (std::holds_alternative<wire::PlainRequest>(examined)) {
        return upgrade_required();
    }
    if (!origin_is_ours(request)) {
        return error(403, "Pages of this origin may not open a WebSocket here; see the setting allowed_origins.");
    }
    return WebSocketMatch{match.socket(), Captures{match.captures},
                          std::get<wire::HandshakeOffer>(std::move(examined))};
}

// ---- Failures

Response Dispatcher::not_found(const Request& request) const {
    Response page = settings_.debug ? debug_not_found(request, urls_) : error_page(404);
    page.log_note = "There is nothing at this address.";
    return page;
}

Response Dispatcher::upgrade_required() const {
    const Response told = wire::upgrade_required();
    Response page = error(told.status, told.body);
    for (const Headers::Field& field : told.headers) {
        if (page.headers.count(field.name) == 0) {
            page.headers.add(field.name, field.value);
        }
    }
    return page;
}

Response Dispatcher::error(int status, std::string_view sentence) const {
    Response page = settings_.debug ? debug_page(status, reason_phrase(status), sentence) : error_page(status);
    page.log_note = sentence;
    return page;
}

Response Dispatcher::on_view_failed(const Request& request, std::exception_ptr failure) {
    if (const auto wanted = wanted_error(request, failure)) {
        return error(wanted->status(), wanted->what());
    }
    const RouteTaken route = route_taken(request);
    log::error("Internal Server Error: " + request.method + ' ' + request.target + ", route " + route.text + ": " +
               describe(failure));
    if (!settings_.debug) {
        return error_page(500);
    }
    const Explanation explanation = explain_failure(request, route, failure);
    if (failures_ && !shows_answer(request)) {
        failures_->add(explanation);
    }
    return debug_failure(explanation);
}

RouteTaken Dispatcher::route_taken(const Request& request) const {
    std::optional<Match> match;
    try {
        match = find(request);
    } catch (...) {
        return {"unknown: a converter throws", {}};
    }
    if (!match) {
        return {"none", {}};
    }
    const Route& route = *match->target->route;
    const std::string name = route.name().empty() ? "" : " (" + route.name() + ')';
    return {'/' + route.pattern() + name, {match->captures.begin(), match->captures.end()}};
}

Response Dispatcher::on_refused(std::string_view peer, int status, std::string_view reason) {
    log_.refused(peer, status, reason);
    return Response::text(std::string{reason} + '\n', status);
}

void Dispatcher::on_stream_failed(const Request& request, std::exception_ptr failure) {
    log::error("The stream of " + request.target + " failed, route " + route_taken(request).text + ": " +
               describe(std::move(failure)));
}

std::uint16_t Dispatcher::on_websocket_failed(const WebSocketRoute& route, WebSocket& /*socket*/,
                                              std::exception_ptr failure) {
    const std::uint16_t code = close_code_for(failure);
    if (code == CloseCode::kInternalError) {
        log::error("WebSocket view failed: " + route.name + ": " + describe(std::move(failure)));
    }
    return code;
}

// ---- The log

void Dispatcher::on_answered(const Request& request, const Response& response) { log_.answered(request, response); }

void Dispatcher::on_websocket_opened(const WebSocketRoute& /*route*/, const Request& request, WebSocket& /*socket*/) {
    log_.connected(request);
}

void Dispatcher::on_websocket_closed(const WebSocketRoute& route, WebSocket& socket) {
    log_.disconnected(route.name, socket.close_info().code);
}

}  // namespace c10k
