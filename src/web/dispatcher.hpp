#pragma once

#include "c10k/compression.hpp"
#include "c10k/settings.hpp"
#include "c10k/urls.hpp"
#include "server/application.hpp"
#include "web/access_log.hpp"
#include "web/failure_explanation.hpp"
#include "web/failures.hpp"
#include "web/refusals.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace c10k {

// How the WebSockets of routes that do not say are compressed.
[[nodiscard]] Compression default_compression(const Settings& settings);

// The application that a list of routes makes: each request goes through the middleware to its view, or gets the status
// it deserves.
class Dispatcher final : public Application {
public:
    // Requires: both outlive the dispatcher and do not change.
    // `failures`, if there are any, gets the failures of pages in debug.
    Dispatcher(const Urls& urls, const Settings& settings,
               std::shared_ptr<Refusals> refusals = std::make_shared<Refusals>(),
               std::shared_ptr<Failures> failures = nullptr);

    // What goes through each route, in their order.
    [[nodiscard]] std::vector<RouteTraffic> traffic() const;

    [[nodiscard]] bool came_securely(const Request& request) const override;
    // Whether the view of its route takes a BodyReader.
    [[nodiscard]] bool reads_body(const Request& request) override;
    // In this order: a Host that is not ours 400; for a WebSocket 405, 426, 400 or 403, or its view; for all else the
    // middleware, inside which a path that no route takes gets 404, or 301 if it lacks only the final slash of a page
    // (308 for a form, with debug on 404), and a page 501, 405 or its view.
    Answer answer(Request& request, int minor_version) override;

    Response on_view_failed(const Request& request, std::exception_ptr failure) override;
    Response on_refused(std::string_view peer, int status, std::string_view reason) override;
    void on_stream_failed(const Request& request, std::exception_ptr failure) override;
    std::uint16_t on_websocket_failed(const WebSocketRoute& route, WebSocket& socket,
                                      std::exception_ptr failure) override;

    void on_answered(const Request& request, const Response& response) override;
    void on_websocket_opened(const WebSocketRoute& route, const Request& request, WebSocket& socket) override;
    void on_websocket_closed(const WebSocketRoute& route, WebSocket& socket) override;

private:
    // Where a route leads, with all its middleware.
    struct Target {
        const Route* route;
        std::variant<PageView, WebSocketRoute> view;
        std::shared_ptr<Traffic> traffic;
    };
    struct Match {
        const Target* target;
        std::vector<std::string_view> captures;

        // Null if it is a page.
        [[nodiscard]] const WebSocketRoute* socket() const { return std::get_if<WebSocketRoute>(&target->view); }
    };

    [[nodiscard]] Target target(const Route& route);
    // The view with the page middleware of `layers` around it.
    PageView wrap(PageView view, const std::vector<Middleware>& layers);
    // The view, with an error page for an exception and for a response that cannot be sent.
    PageView with_error_pages(PageView view);
    Task<Response> with_error_page(Request& request, Task<Response> view);

    [[nodiscard]] std::optional<Match> find(const Request& request) const;
    [[nodiscard]] std::optional<Match> find(std::string_view path) const;
    [[nodiscard]] bool host_is_ours(const Request& request, int minor_version) const;
    // Whether a page of the request's origin may open a WebSocket. If not, or only in debug, the log says so.
    [[nodiscard]] bool origin_is_ours(const Request& request) const;
    PageAnswer respond(const std::optional<Match>& match, Request& request) const;
    [[nodiscard]] Response redirect_to_slash(const Request& request) const;
    PageAnswer serve_page(const Match& match, Request& request) const;
    // Reads the body first, for a view that wants it whole: middleware has led the request there.
    Task<Response> serve_whole(const PageView& view, std::vector<std::string_view> captures, Request& request) const;
    Answer open_socket(const Match& match, const Request& request, int minor_version) const;
    [[nodiscard]] Response not_found(const Request& request) const;
    // 426, for a browser that opens the address of a WebSocket as a page.
    [[nodiscard]] Response upgrade_required() const;
    [[nodiscard]] Response error(int status, std::string_view sentence) const;
    // The request's route, for people.
    [[nodiscard]] RouteTaken route_taken(const Request& request) const;

    const Urls& urls_;
    const Settings& settings_;
    std::vector<Target> targets_;  // in the order of their routes; connections point to their WebSocketRoutes
    PageView pages_;               // respond(), with the site's middleware around it; empty if it has none
    AccessLog log_;
    std::shared_ptr<Refusals> refusals_;  // is that of the program's other loops, too
    std::shared_ptr<Failures> failures_;  // the same; null if no page wants to know
};

}  // namespace c10k
