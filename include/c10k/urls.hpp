#pragma once

#include "c10k/compression.hpp"
#include "c10k/http.hpp"
#include "c10k/middleware.hpp"
#include "c10k/require.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
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
// a Response or a Task<Response>, with WebSocket& a Task<>. The others take what the path captured, by value. All of it
// is checked when the program is compiled. The first route that matches wins.
namespace c10k {

// ---- Converters

// How a view's parameter of your own type is made from the text that "<colour:name>" captured.
//
//     template <>
//     struct c10k::Converter<Colour> {
//         static constexpr std::string_view kName = "colour";
//         static std::optional<Colour> parse(std::string_view text);  // empty: the route does not match
//         static std::string format(const Colour& colour);            // for reverse()
//     };
//
// It is given a part of the path without "/". Ours are int (any integral parameter; what does not fit is no match), str
// (anything but "/"), slug (ASCII letters, digits, "-" and "_"), uuid (in small letters) and path (anything, also "/"):
// all but int go to a std::string_view, which lives as long as the view runs, or a std::string.
template <typename T>
struct Converter;

template <typename T>
concept CapturedNumber = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

template <typename T>
concept CapturedText = std::same_as<T, std::string_view> || std::same_as<T, std::string>;

template <typename T>
concept CapturedObject = requires(std::string_view text, const T& object) {
    { Converter<T>::kName } -> std::convertible_to<std::string_view>;
    { Converter<T>::parse(text) } -> std::same_as<std::optional<T>>;
    { Converter<T>::format(object) } -> std::convertible_to<std::string>;
};

template <typename T>
concept Captured = CapturedNumber<T> || CapturedText<T> || CapturedObject<T>;

constexpr bool is_our_converter(std::string_view converter) {
    return converter == "int" || converter == "str" || converter == "slug" || converter == "uuid" ||
           converter == "path";
}

// Whether what `converter` captures can go to a parameter of type T.
template <typename T>
constexpr bool converter_fits(std::string_view converter) {
    if constexpr (CapturedNumber<T>) {
        return converter == "int";
    } else if constexpr (CapturedText<T>) {
        return converter == "str" || converter == "slug" || converter == "uuid" || converter == "path";
    } else {
        return converter == Converter<T>::kName;
    }
}

// Whether what `converter` captures may hold `c`.
constexpr bool converter_takes(std::string_view converter, char c) {
    const bool digit = c >= '0' && c <= '9';
    const bool hex = digit || (c >= 'a' && c <= 'f');
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (converter == "int") {
        return digit;
    }
    if (converter == "slug") {
        return digit || letter || c == '-' || c == '_';
    }
    if (converter == "uuid") {
        return hex || c == '-';
    }
    return converter == "path" || c != '/';
}

// The number that a text of digits is; empty if it is too large.
[[nodiscard]] std::optional<std::uint64_t> parse_digits(std::string_view digits) noexcept;

template <Captured T>
std::optional<T> parse_capture(std::string_view text) {
    if constexpr (CapturedNumber<T>) {
        const std::optional<std::uint64_t> number = parse_digits(text);
        constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
        return number && *number <= kMost ? std::optional{static_cast<T>(*number)} : std::nullopt;
    } else if constexpr (CapturedText<T>) {
        return T{text};
    } else {
        return Converter<T>::parse(text);
    }
}

template <typename T>
std::string format_capture(const T& value) {
    if constexpr (CapturedNumber<T>) {
        return std::to_string(value);
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
        return std::string{std::string_view{value}};
    } else {
        return Converter<T>::format(value);
    }
}

// ---- Patterns

// A pattern that is wrong; what() says how.
class PatternError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

// Either a literal text or a capture.
struct PatternPiece {
    std::string_view literal;
    std::string_view converter;
    std::string_view name;

    [[nodiscard]] constexpr bool is_capture() const noexcept { return literal.empty(); }
};

// Takes a pattern, "<int:row>/<slug:name>/", apart. The pieces point into it.
class PatternReader {
public:
    constexpr explicit PatternReader(std::string_view pattern) noexcept : rest_(pattern) {}

    [[nodiscard]] constexpr bool at_end() const noexcept { return rest_.empty(); }

    // Requires: !at_end(). Throws std::logic_error otherwise.
    constexpr PatternPiece next() {
        internal::require(!at_end(), "PatternReader::next(): the pattern has ended");
        if (rest_.front() != '<') {
            return {take(rest_.find('<')), {}, {}};
        }
        const std::size_t end = rest_.find('>');
        if (end == std::string_view::npos) {
            throw PatternError("a '<' has no '>'");
        }
        std::string_view capture = take(end + 1);
        capture = capture.substr(1, capture.size() - 2);
        const std::size_t colon = capture.find(':');
        if (colon == std::string_view::npos) {
            throw PatternError("a capture is written <converter:name>, as in <int:id>");
        }
        return {{}, capture.substr(0, colon), capture.substr(colon + 1)};
    }

private:
    constexpr std::string_view take(std::size_t size) {
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view rest_;
};

constexpr bool is_identifier(std::string_view text) {
    for (const char c : text) {
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_') {
            return false;
        }
    }
    return !text.empty();
}

constexpr bool has_capture(std::string_view pattern, std::string_view name) {
    for (PatternReader pieces{pattern}; !pieces.at_end();) {
        const PatternPiece piece = pieces.next();
        if (piece.is_capture() && piece.name == name) {
            return true;
        }
    }
    return false;
}

constexpr void check_literal(std::string_view literal) {
    for (const char c : literal) {
        if (c == '>') {
            throw PatternError("a '>' has no '<'");
        }
        if (c == '?' || c == '#') {
            throw PatternError("a path has no '?' and no '#'; the query is in the request");
        }
    }
    if (literal.find("//") != std::string_view::npos) {
        throw PatternError("a pattern has no '//'");
    }
}

// Throws PatternError unless `pattern` captures one thing for each parameter, each of a fitting converter. A capture
// ends where its converter takes no more, so what follows must begin with something that it does not take.
constexpr void check_pattern(std::string_view pattern, std::span<bool (*const)(std::string_view)> parameters) {
    if (pattern.starts_with('/')) {
        throw PatternError("a pattern has no '/' in front: that is there already");
    }
    std::size_t captures = 0;
    std::size_t read = 0;     // characters, up to the piece at hand
    std::string_view before;  // the converter in front of it
    for (PatternReader pieces{pattern}; !pieces.at_end();) {
        const PatternPiece piece = pieces.next();
        if (!piece.is_capture()) {
            check_literal(piece.literal);
            if (!before.empty() && converter_takes(before, piece.literal.front())) {
                throw PatternError("a capture takes all that its converter allows, and this one takes what follows it");
            }
            before = {};
            read += piece.literal.size();
            continue;
        }
        if (!before.empty()) {
            throw PatternError("between two captures there must be something else");
        }
        if (!is_identifier(piece.name)) {
            throw PatternError("the name of a capture is made of letters, digits and '_'");
        }
        if (has_capture(pattern.substr(0, read), piece.name)) {
            throw PatternError("two captures have the same name");
        }
        if (captures == parameters.size()) {
            throw PatternError("the pattern captures more than the view takes: add a parameter to the view");
        }
        if (!parameters[captures](piece.converter)) {
            if (!is_our_converter(piece.converter)) {
                throw PatternError("no such converter: int, str, slug, uuid, path, or the kName of your own");
            }
            throw PatternError("<int:id> goes to an integer, the others to std::string or std::string_view");
        }
        ++captures;
        before = piece.converter;
        read += piece.converter.size() + piece.name.size() + 3;
    }
    if (captures < parameters.size()) {
        throw PatternError("the view takes more than the pattern captures: add <converter:name>");
    }
}

// A pattern that captures Args; what is wrong with it does not compile.
template <typename... Args>
class PathPattern {
public:
    static_assert(
        (Captured<Args> && ...),
        "a view takes what is captured by value: integral types, std::string_view, std::string and types with "
        "a Converter");

    template <std::convertible_to<std::string_view> Text>
    consteval PathPattern(const Text& text) : text_(text) {
        constexpr std::array<bool (*)(std::string_view), sizeof...(Args)> kParameters{&converter_fits<Args>...};
        check_pattern(text_, kParameters);
    }

    [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

private:
    std::string_view text_;
};

// What stands in front of the patterns of an included list; captures nothing.
class PathPrefix {
public:
    template <std::convertible_to<std::string_view> Text>
    consteval PathPrefix(const Text& text) : text_(text) {
        check_pattern(text_, {});
        if (!text_.empty() && !text_.ends_with('/')) {
            throw PatternError("a prefix ends with '/'");
        }
    }

    [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

private:
    std::string_view text_;
};

// ---- Routes

// A pattern with its view, name and options. It keeps a lambda and what that captured as long as the server runs.
class Route {
public:
    using View = std::variant<PageView, SocketView>;
    using Accepts = bool (*)(CapturedTexts);

    Route(std::string_view pattern, std::string_view name, Accepts accepts, View view)
        : pattern_(pattern), name_(name), accepts_(accepts), view_(std::move(view)) {}

    // The methods that a page takes, GET and HEAD if nothing is said. HEAD comes with GET.
    // Throws std::logic_error if this is no page, or something is no method.
    Route& methods(std::vector<std::string> allowed);
    // The subprotocols of a WebSocket, best first. Throws std::logic_error if this is none, or something is no token.
    Route& subprotocols(std::vector<std::string> ours);
    // How the messages of a WebSocket are compressed if its client can do so: Compression::kOff, kOn, or values such as
    // {.from_bytes = 128, .context_takeover = ContextTakeover::kYes}. Without it the settings decide.
    // Throws std::logic_error if this is none, or there is no such window.
    Route& compression(const Compression& ours);
    // What becomes of a WebSocket that is too slow for what groups and handles send it: it is closed, if nothing is
    // said. Throws std::logic_error if this is none.
    Route& slow_member(SlowMember policy);
    // Stands around the view, the first outermost; a second call adds more, further in. That of a page does not change
    // the request's path, which the view's captures are part of.
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
        const std::array<std::string, sizeof...(Args)> texts{format_capture(arguments)...};
        return reverse_texts(name, texts);
    }
    // The same, with the arguments as the path has them.
    [[nodiscard]] std::string reverse_texts(std::string_view name, std::span<const std::string> texts) const;

    // What stands around all of the list, the first outermost.
    [[nodiscard]] const std::vector<Middleware>& middleware() const noexcept { return middleware_; }

    [[nodiscard]] auto begin() const noexcept { return routes_.begin(); }
    [[nodiscard]] auto end() const noexcept { return routes_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return routes_.size(); }

private:
    friend Urls path(PathPrefix prefix, struct Included included);

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

// What include() prepares for path().
struct Included {
    Urls urls;
    std::string_view name_space;
};

// The routes of an app, to be put under a prefix; their names become "name_space:name".
[[nodiscard]] inline Included include(Urls urls, std::string_view name_space = {}) {
    return {std::move(urls), name_space};
}

[[nodiscard]] Urls path(PathPrefix prefix, Included included);

// ---- From a view to its route

template <typename... Args>
bool accepts_captures([[maybe_unused]] CapturedTexts texts) {
    [[maybe_unused]] std::size_t next = 0;
    return (parse_capture<Args>(texts[next++]).has_value() && ...);
}

// Calls `view(subject, ...)` with the captured texts as Args. It is no coroutine itself: the view's own task is all
// that a connection keeps.
template <typename... Args, typename View, typename Subject>
decltype(auto) call_view(View& view, Subject& subject, [[maybe_unused]] CapturedTexts texts) {
    return [&]<std::size_t... I>(std::index_sequence<I...>)->decltype(auto) {
        return view(subject, parse_capture<Args>(texts[I]).value()...);
    }
    (std::index_sequence_for<Args...>{});
}

// The mistakes that callers of path() can make. Each has an overload, so that the compiler's first line names it, with
// the line of the route.
enum class PathFault { kNone, kSubject, kPage, kSocket, kCapture, kObject, kSignature, kInclude, kOther };

// Of a view that takes a Subject, which is a reference, and then Args.
template <typename Result, typename Subject, typename... Args>
constexpr PathFault fault_of_view() {
    constexpr bool kIsPage = std::same_as<Subject, Request&> || std::same_as<Subject, const Request&>;
    constexpr bool kIsSocket = std::same_as<Subject, WebSocket&>;
    if constexpr (!kIsPage && !kIsSocket) {
        return PathFault::kSubject;
    } else if constexpr (kIsPage && !std::same_as<Result, Response> && !std::same_as<Result, Task<Response>>) {
        return PathFault::kPage;
    } else if constexpr (kIsSocket && !std::same_as<Result, Task<>>) {
        return PathFault::kSocket;
    } else {
        return (Captured<Args> && ...) ? PathFault::kNone : PathFault::kCapture;
    }
}

template <typename Signature>
struct ViewSignature;

template <typename Result>
struct ViewSignature<std::function<Result()>> {
    static constexpr PathFault kFault = PathFault::kSubject;
};

template <typename Result, typename Subject, typename... Args>
struct ViewSignature<std::function<Result(Subject, Args...)>> {
    using Pattern = PathPattern<Args...>;
    static constexpr PathFault kFault = fault_of_view<Result, Subject, Args...>();

    template <typename View>
    static Route route(Pattern pattern, View view, std::string_view name) {
        // On the heap it has one address for all copies of the route: a coroutine lambda refers to what it captured.
        auto kept = std::make_shared<View>(std::move(view));
        if constexpr (std::same_as<Subject, WebSocket&>) {
            return {pattern.text(), name, &accepts_captures<Args...>, [kept](WebSocket& socket, CapturedTexts texts) {
                        return call_view<Args...>(*kept, socket, texts);
                    }};
        } else {
            return {pattern.text(), name, &accepts_captures<Args...>,
                    PageView{[kept](Request& request, CapturedTexts texts) -> PageAnswer {
                        return call_view<Args...>(*kept, request, texts);
                    }}};
        }
    }
};

// The signature of anything that can be called in one way.
template <typename View>
using SignatureOf = ViewSignature<decltype(std::function{std::declval<View>()})>;

template <typename View>
concept HasSignature = requires(View view) {
    std::function{view};
};

template <typename Member>
struct MemberSignature {
    template <typename Object>
    static constexpr PathFault kFault = PathFault::kSignature;
};

template <typename App, typename Result, typename... Args, bool kQuiet>
struct MemberSignature<Result (App::*)(Args...) noexcept(kQuiet)> {
    template <typename Object>
    static constexpr PathFault kFault =
        std::convertible_to<Object, App*> ? ViewSignature<std::function<Result(Args...)>>::kFault : PathFault::kObject;
};

template <typename App, typename Result, typename... Args, bool kQuiet>
struct MemberSignature<Result (App::*)(Args...) const noexcept(kQuiet)> {
    template <typename Object>
    static constexpr PathFault kFault =
        std::convertible_to<Object, const App*> ? ViewSignature<std::function<Result(Args...)>>::kFault
                                                : PathFault::kObject;
};

// Of what path() is given after the pattern.
template <typename... Rest>
constexpr PathFault fault_of_path() {
    if constexpr (sizeof...(Rest) == 0 || sizeof...(Rest) > 3) {
        return PathFault::kOther;
    } else {
        // The names, and an object in front of a view, may be left out.
        using Padded = std::tuple<Rest..., std::string_view, std::string_view>;
        using First = std::tuple_element_t<0, Padded>;
        using Second = std::tuple_element_t<1, Padded>;
        if constexpr (std::is_member_function_pointer_v<Second>) {
            constexpr bool kIsName = std::convertible_to<std::tuple_element_t<2, Padded>, std::string_view>;
            return kIsName ? MemberSignature<Second>::template kFault<First> : PathFault::kOther;
        } else if constexpr (sizeof...(Rest) == 3 || !std::convertible_to<Second, std::string_view>) {
            return PathFault::kOther;
        } else if constexpr (std::same_as<First, Included>) {
            return PathFault::kNone;
        } else if constexpr (std::same_as<First, Urls>) {
            return PathFault::kInclude;
        } else if constexpr (std::is_member_function_pointer_v<First>) {
            return PathFault::kObject;
        } else if constexpr (HasSignature<First>) {
            return SignatureOf<First>::kFault;
        } else {
            return PathFault::kSignature;
        }
    }
}

template <PathFault kFault, typename... Rest>
concept PathHas = fault_of_path<Rest...>()
== kFault;

// A function or a lambda.
template <typename View>
requires PathHas<PathFault::kNone, View>
[[nodiscard]] Route path(typename SignatureOf<View>::Pattern pattern, View view, std::string_view name = {}) {
    return SignatureOf<View>::route(pattern, std::move(view), name);
}

// A member function. Throws std::logic_error if `app` is null.
// Requires: `app` outlives the server. Not checked: it is the site's own object, and nobody is told when it goes.
template <typename App, typename Result, typename Subject, typename... Args>
requires PathHas<PathFault::kNone, App*, Result (App::*)(Subject&, Args...)>
[[nodiscard]] Route path(std::type_identity_t<PathPattern<Args...>> pattern, std::type_identity_t<App>* app,
                         Result (App::*view)(Subject&, Args...), std::string_view name = {}) {
    internal::require(app != nullptr, "path(): a view that is a member function needs an object");
    return ViewSignature<std::function<Result(Subject&, Args...)>>::route(
        pattern, [app, view](Subject& subject, Args... args) { return (app->*view)(subject, std::move(args)...); },
        name);
}

template <typename App, typename Result, typename Subject, typename... Args>
requires PathHas<PathFault::kNone, App*, Result (App::*)(Subject&, Args...)>
[[nodiscard]] Route path(std::type_identity_t<PathPattern<Args...>> pattern, const std::type_identity_t<App>* app,
                         Result (App::*view)(Subject&, Args...) const, std::string_view name = {}) {
    internal::require(app != nullptr, "path(): a view that is a member function needs an object");
    return ViewSignature<std::function<Result(Subject&, Args...)>>::route(
        pattern, [app, view](Subject& subject, Args... args) { return (app->*view)(subject, std::move(args)...); },
        name);
}

// ---- What path() does not take, with what the compiler says about it in the line of the route

template <typename... Rest>
requires PathHas<PathFault::kSubject, Rest...> Route path(std::string_view pattern, const Rest&... rest)
__attribute__((unavailable("a view's first parameter is Request& (a page) or WebSocket&: a reference, not a copy")));

template <typename... Rest>
requires PathHas<PathFault::kPage, Rest...> Route path(std::string_view pattern, const Rest&... rest)
__attribute__((unavailable(
    "a view of a Request& returns Response, such as Response::text(text), or Task<Response> if it uses co_await")));

template <typename... Rest>
requires PathHas<PathFault::kSocket, Rest...> Route path(std::string_view pattern, const Rest&... rest)
__attribute__((
    unavailable("a view of a WebSocket& is a coroutine: it returns Task<>, and uses co_await or co_return")));

template <typename... Rest>
requires PathHas<PathFault::kCapture, Rest...> Route path(std::string_view pattern, const Rest&... rest)
__attribute__((
    unavailable("a view takes what the path captures by value: an integer, std::string, std::string_view, or a type "
                "with a c10k::Converter")));

template <typename... Rest>
requires PathHas<PathFault::kObject, Rest...> Route path(std::string_view pattern, const Rest&... rest)
__attribute__((unavailable(
    "in front of &App::view stands a pointer to an App that may be changed if the view may: this, or &app")));

template <typename... Rest>
requires PathHas<PathFault::kSignature, Rest...> Route path(std::string_view pattern, const Rest&... rest)
__attribute__((
    unavailable("a view is a function, a member function or a lambda with one signature: without auto and overloads")));

template <typename... Rest>
requires PathHas<PathFault::kInclude, Rest...> Route path(std::string_view pattern, const Rest&... rest)
__attribute__((unavailable(
    "the routes of an app are put under a path by include(): path(\"blog/\", include(blog.urls(), \"blog\"))")));

template <typename... Rest>
requires PathHas<PathFault::kOther, Rest...> Route path(std::string_view pattern, const Rest&... rest)
__attribute__((
    unavailable("path() takes (pattern, view), (pattern, object, &App::view), each with a name or without, or "
                "(pattern, include(...))")));

}  // namespace c10k
