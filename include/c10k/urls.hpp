#pragma once

#include "c10k/body_reader.hpp"
#include "c10k/compression.hpp"
#include "c10k/http.hpp"
#include "c10k/internal/capture.hpp"
#include "c10k/internal/route_pattern.hpp"
#include "c10k/internal/view_signature.hpp"
#include "c10k/middleware.hpp"
#include "c10k/websocket.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// Which path leads to which view.
//
//     Urls urls() {
//         return {
//             path("", this, &Chat::index, "index"),
//             path("<slug:room>/", this, &Chat::room, "room"),
//             path("help/", include(help.urls(), "help")),
//         };
//     }
//
// A view is a function, a member function or a lambda. Its first parameter decides what it is: with Request& it returns
// a Response or a Task<Response>, with WebSocket& a Task<>. With Request& and then BodyReader&, it returns a
// Task<Response> and reads the body of the request itself. The others take what the path captured, by value. All of it
// is checked when the program is compiled. The first route that matches wins.
namespace c10k {

class Route;
class Urls;

// The route to a function or a lambda.
template <typename View>
requires internal::PathHas<internal::PathFault::kNone, View>
[[nodiscard]] Route path(typename internal::SignatureOf<View>::Pattern pattern, View view, std::string_view name = {});

// The route to a member function. Throws std::logic_error if `app` is null.
// Requires: `app` outlives the server. Not checked: it is the site's own object, and nobody is told when it goes.
template <typename App, typename Result, typename Subject, typename... Args>
requires internal::PathHas<internal::PathFault::kNone, App*, Result (App::*)(Subject&, Args...)>
[[nodiscard]] Route path(internal::PatternOf<Args...> pattern, std::type_identity_t<App>* app,
                         Result (App::*view)(Subject&, Args...), std::string_view name = {});
template <typename App, typename Result, typename Subject, typename... Args>
requires internal::PathHas<internal::PathFault::kNone, App*, Result (App::*)(Subject&, Args...)>
[[nodiscard]] Route path(internal::PatternOf<Args...> pattern, const std::type_identity_t<App>* app,
                         Result (App::*view)(Subject&, Args...) const, std::string_view name = {});

// The routes of an app, under a prefix that ends with "/" and captures nothing; their names become "name_space:name".
[[nodiscard]] Urls path(internal::PathPrefix prefix, internal::Included included);
[[nodiscard]] internal::Included include(Urls urls, std::string_view name_space = {});

// Makes a view's parameter of your own type from the text that "<colour:name>" captured.
//
//     template <>
//     struct c10k::Converter<Colour> {
//         static constexpr std::string_view kName = "colour";
//         static std::optional<Colour> parse(std::string_view text);  // empty: the route does not match
//         static std::string format(const Colour& colour);            // for reverse()
//     };
//
// parse() gets a part of the path without "/". The built-in converters are int (any integral parameter; a number that
// does not fit is no match), str (anything but "/"), slug (ASCII letters, digits, "-" and "_"), uuid (in lower case)
// and path (anything, also "/"). All but int go to a std::string_view, which lives as long as the view runs, or to a
// std::string.
template <typename T>
struct Converter;

// Whether a request's body has come whole when its view begins, or the view reads it from a BodyReader.
enum class BodyArrival : std::uint8_t { kWhole, kInPieces };

// A pattern with its view, name and options. It keeps a lambda and what that captured as long as the server runs.
class Route {
public:
    using View = std::variant<PageView, SocketView>;
    using Accepts = bool (*)(CapturedTexts);

    Route(std::string_view pattern, std::string_view name, Accepts accepts, View view,
          BodyArrival body = BodyArrival::kWhole)
        : pattern_(pattern), name_(name), accepts_(accepts), view_(std::move(view)), body_(body) {}

    // The methods that a page takes, GET and HEAD if nothing is said. HEAD comes with GET.
    // Throws std::logic_error if this is no page, or something is no method.
    Route& methods(std::vector<std::string> allowed);
    // The subprotocols of a WebSocket, best first. Throws std::logic_error if this is none, or something is no token.
    Route& subprotocols(std::vector<std::string> ours);
    // How the messages of a WebSocket are compressed if its client can do so: Compression::kOff, kOn, or values such as
    // {.from_bytes = 128, .context_takeover = ContextTakeover::kYes}. Without it the settings decide.
    // Throws std::logic_error if this is none, or there is no such window.
    Route& compression(const Compression& ours);
    // How the server treats a WebSocket that reads too slowly what groups and handles send; by default it closes it.
    // Throws std::logic_error if the route is a page.
    Route& slow_member(SlowMember policy);
    // Surrounds the view, the first outermost; a second call adds more, further in. Middleware of a page must not
    // change the request's path, because the view's captures are parts of it.
    template <typename... Layers>
    requires(sizeof...(Layers) > 0) Route& middleware(Layers... layers) {
        (middleware_.push_back(Middleware{std::move(layers)}), ...);
        return *this;
    }

    [[nodiscard]] const std::string& pattern() const noexcept { return pattern_; }
    // With its namespaces, "chat:room"; "" if it has none.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    // Without its middleware.
    [[nodiscard]] const View& view() const noexcept { return view_; }
    [[nodiscard]] bool is_page() const noexcept { return std::holds_alternative<PageView>(view_); }
    [[nodiscard]] bool reads_body() const noexcept { return body_ == BodyArrival::kInPieces; }
    [[nodiscard]] const std::vector<std::string>& methods() const noexcept { return methods_; }
    [[nodiscard]] const std::vector<std::string>& subprotocols() const noexcept { return subprotocols_; }
    [[nodiscard]] const std::optional<Compression>& compression() const noexcept { return compression_; }
    [[nodiscard]] SlowMember slow_member() const noexcept { return slow_member_; }
    [[nodiscard]] const std::vector<Middleware>& middleware() const noexcept { return middleware_; }

    // Becomes part of an included list.
    void put_under(std::string_view prefix, std::string_view name_space);
    // The list that it was part of had `outer`.
    void put_inside(const std::vector<Middleware>& outer);

    // The texts that the pattern captures from `path`, which has no "/" in front and is percent-decoded; they point
    // into it. Empty if it does not match.
    [[nodiscard]] std::optional<std::vector<std::string_view>> match(std::string_view path) const;
    // The path, percent-encoded and with "/" in front, that captures `texts`: a reference to this host, whatever they
    // are. Empty if none does, or if browsers would make another one of it ("." and ".." between slashes).
    [[nodiscard]] std::optional<std::string> fill(std::span<const std::string> texts) const;

private:
    std::string pattern_;
    std::string name_;
    Accepts accepts_;
    View view_;
    BodyArrival body_;
    std::vector<std::string> methods_{"GET", "HEAD"};
    std::vector<std::string> subprotocols_;
    std::optional<Compression> compression_;
    SlowMember slow_member_ = SlowMember::kClose;
    std::vector<Middleware> middleware_;
};

// A list of routes, and of the middleware around them. Included lists are part of it, with their prefix and namespace.
class Urls {
public:
    struct Item;

    Urls() = default;
    Urls(std::initializer_list<Item> items);

    // The path that leads to the route of that name, such as reverse("chat:room", "lobby").
    // It leads to this host and to that route, whatever the arguments are.
    // Throws std::logic_error if there is none that takes these arguments, or "." or ".." would stand between slashes.
    template <typename... Args>
    [[nodiscard]] std::string reverse(std::string_view name, const Args&... arguments) const {
        const std::array<std::string, sizeof...(Args)> texts{internal::format_capture(arguments)...};
        return reverse_texts(name, texts);
    }
    // The same, with the arguments as the path has them.
    [[nodiscard]] std::string reverse_texts(std::string_view name, std::span<const std::string> texts) const;

    // The middleware around the whole list, the first outermost.
    [[nodiscard]] const std::vector<Middleware>& middleware() const noexcept { return middleware_; }

    [[nodiscard]] auto begin() const noexcept { return routes_.begin(); }
    [[nodiscard]] auto end() const noexcept { return routes_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return routes_.size(); }

private:
    friend Urls path(internal::PathPrefix prefix, internal::Included included);

    std::vector<Route> routes_;
    std::vector<Middleware> middleware_;
};

// A route, an included list, or middleware for the list that it is part of.
struct Urls::Item {
    Item(Route route) { urls.routes_.push_back(std::move(route)); }
    Item(Urls included) : urls(std::move(included)) {}
    Item(std::vector<Middleware> around) : middleware(std::move(around)) {}

    Urls urls;
    std::vector<Middleware> middleware;
};

}  // namespace c10k

#include "c10k/internal/path.hpp"
