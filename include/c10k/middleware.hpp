#pragma once

#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// Middleware: coroutines around the views of a list of routes.
//
//     Task<Response> signed_in(Request& request, Next<Request> next) {
//         if (!request.cookies().get("session")) {
//             co_return Response::redirect("/login/");
//         }
//         Response response = co_await next(request);
//         response.headers.set("Cache-Control", "private");
//         co_return response;
//     }
//
//     Task<> members_only(WebSocket& socket, Next<WebSocket> next) {
//         if (!socket.request().cookies().get("session")) {
//             socket.refuse(403);
//             co_return;
//         }
//         co_await next(socket);
//     }
//
//     Urls urls() {
//         return {
//             middleware(security_headers(), gzip(), members_only),
//             path("", this, &Site::index, "index"),
//             path("secret/", this, &Site::secret, "secret").middleware(signed_in),
//         };
//     }
//
// The first is outermost. Middleware in the site's own list surrounds all its pages, also "not found" and the other
// error pages, but not a request whose Host is not allowed or that is not HTTP. Middleware in an included list
// surrounds the routes of that list, and middleware of a route surrounds its view, for the methods that the route
// takes.
//
// Around a page, `next` turns a failure further in into an error page. Around a WebSocket, it rethrows the view's
// exception; up to the 101 the middleware may read socket.request() and refuse. A WebSocket with middleware keeps the
// middleware's coroutine as long as it lives; one without has no coroutine but its view.
namespace c10k {

using CapturedTexts = std::span<const std::string_view>;
using PageAnswer = std::variant<Response, Task<Response>>;
using PageView = std::function<PageAnswer(Request&, CapturedTexts)>;
using SocketView = std::function<Task<>(WebSocket&, CapturedTexts)>;

// The next middleware or the view. Call it once, or not at all.
template <typename Subject>
class Next;

template <>
class Next<Request> {
public:
    // Requires: `inner` and what the captures point to outlive the answer. Not checked: routes and requests live
    // longer.
    Next(const PageView& inner, CapturedTexts captures) : inner_(&inner), captures_(captures.begin(), captures.end()) {}

    // Requires: `request` lives until the answer is there. Not checked: the server's does.
    Task<Response> operator()(Request& request) const;

private:
    const PageView* inner_;
    std::vector<std::string_view> captures_;
};

template <>
class Next<WebSocket> {
public:
    // Requires: both outlive the task. Not checked: those that the server makes do.
    Next(const SocketView& inner, CapturedTexts captures) : inner_(&inner), captures_(captures) {}

    Task<> operator()(WebSocket& socket) const { return (*inner_)(socket, captures_); }

private:
    const SocketView* inner_;
    CapturedTexts captures_;
};

template <typename Function, typename Subject, typename Result>
concept GoesAround = requires(Function function, Subject& subject, Next<Subject> next) {
    { function(subject, std::move(next)) } -> std::same_as<Result>;
};

// A function or an object with a call operator: around pages, around WebSockets, or with two call operators around
// both.
class Middleware {
public:
    using AroundPage = std::function<Task<Response>(Request&, Next<Request>)>;
    using AroundSocket = std::function<Task<>(WebSocket&, Next<WebSocket>)>;

    template <typename Function>
    requires(!std::same_as<std::remove_cvref_t<Function>, Middleware>) Middleware(Function function) {
        constexpr bool kAroundPages = GoesAround<Function, Request, Task<Response>>;
        constexpr bool kAroundSockets = GoesAround<Function, WebSocket, Task<>>;
        static_assert(kAroundPages || kAroundSockets,
                      "a middleware takes (Request&, Next<Request>) and returns a Task<Response>, or takes "
                      "(WebSocket&, Next<WebSocket>) and returns a Task<>");
        // On the heap it has one address for all copies: a coroutine lambda refers to what it captured.
        auto kept = std::make_shared<Function>(std::move(function));
        if constexpr (kAroundPages) {
            around_page_ = [kept](Request& request, Next<Request> next) { return (*kept)(request, std::move(next)); };
        }
        if constexpr (kAroundSockets) {
            around_socket_ = [kept](WebSocket& socket, Next<WebSocket> next) { return (*kept)(socket, next); };
        }
    }

    // Empty if it is not for them.
    [[nodiscard]] const AroundPage& around_page() const noexcept { return around_page_; }
    [[nodiscard]] const AroundSocket& around_socket() const noexcept { return around_socket_; }

private:
    AroundPage around_page_;
    AroundSocket around_socket_;
};

// Middleware for a list of routes, the first outermost.
template <typename... Layers>
[[nodiscard]] std::vector<Middleware> middleware(Layers... layers) {
    std::vector<Middleware> list;
    (list.push_back(Middleware{std::move(layers)}), ...);
    return list;
}

// ---- Ready made

// Compresses pages for clients that take gzip (RFC 9110, 12.5.3): text, JSON, JavaScript, XML and SVG of at least so
// many bytes and at most a megabyte, since a loop that compresses does nothing else. Not a streamed body, and not one
// with "Cache-Control: no-transform". A compressed page with a secret in it and something of the client's choice beside
// it can give the secret away, by its length.
[[nodiscard]] Middleware gzip(std::size_t least_bytes = 1024);

// Headers that make browsers careful; a view's own are left alone:
//
//     X-Content-Type-Options: nosniff             a file is what its type says
//     Referrer-Policy: same-origin                other sites do not learn the addresses of ours
//     Cross-Origin-Opener-Policy: same-origin     other sites' windows have no hold on ours
//     X-Frame-Options: DENY                       no site may show ours in a frame; a view with one of these two
//     Content-Security-Policy: frame-ancestors 'none'                             headers of its own gets neither
[[nodiscard]] Middleware security_headers();

}  // namespace c10k
