#pragma once

#include "c10k/urls.hpp"

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

// The definitions of what urls.hpp declares: how a view becomes a route.
namespace c10k {

namespace internal {

// The result of include(), for path().
struct Included {
    Urls urls;
    std::string_view name_space;
};

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

// What the server gives a view that takes a BodyReader. Throws std::logic_error for a request that middleware has made.
inline BodyReader& body_reader_of(Request& request) {
    require(request.body_reader != nullptr, "a view that takes a BodyReader needs the server's own request");
    return *request.body_reader;
}

template <typename Function>
struct RouteMaker;

template <typename Result, typename Subject, typename... Args>
struct RouteMaker<std::function<Result(Subject&, Args...)>> {
    template <typename View>
    static Route make(PathPattern<Args...> pattern, View view, std::string_view name) {
        // On the heap it has one address for all copies of the route: a coroutine lambda refers to what it captured.
        auto kept = std::make_shared<View>(std::move(view));
        if constexpr (std::same_as<Subject, WebSocket>) {
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

template <typename Result, typename Subject, typename... Args>
struct RouteMaker<std::function<Result(Subject&, BodyReader&, Args...)>> {
    template <typename View>
    static Route make(PathPattern<Args...> pattern, View view, std::string_view name) {
        auto kept = std::make_shared<View>(std::move(view));
        const auto page = [kept](Request& request, CapturedTexts texts) -> PageAnswer {
            const auto with_body = [&](Request& same, auto&&... captures) {
                return (*kept)(same, body_reader_of(same), std::forward<decltype(captures)>(captures)...);
            };
            return call_view<Args...>(with_body, request, texts);
        };
        return {pattern.text(), name, &accepts_captures<Args...>, PageView{page}, BodyArrival::kInPieces};
    }
};

// A view that is a member function of App, which may be const.
template <typename App, typename View, typename Result, typename Subject, typename... Args>
Route make_member_route(PatternOf<Args...> pattern, App* app, View view, std::string_view name) {
    require(app != nullptr, "path(): a view that is a member function needs an object");
    return RouteMaker<std::function<Result(Subject&, Args...)>>::make(
        pattern,
        [app, view](Subject& subject, Args... args) { return (app->*view)(subject, std::forward<Args>(args)...); },
        name);
}

}  // namespace internal

template <typename View>
requires internal::PathHas<internal::PathFault::kNone, View> Route
path(typename internal::SignatureOf<View>::Pattern pattern, View view, std::string_view name) {
    return internal::RouteMaker<internal::FunctionOf<View>>::make(pattern, std::move(view), name);
}

template <typename App, typename Result, typename Subject, typename... Args>
requires internal::PathHas<internal::PathFault::kNone, App*, Result (App::*)(Subject&, Args...)> Route
path(internal::PatternOf<Args...> pattern, std::type_identity_t<App>* app, Result (App::*view)(Subject&, Args...),
     std::string_view name) {
    return internal::make_member_route<App, decltype(view), Result, Subject, Args...>(pattern, app, view, name);
}

template <typename App, typename Result, typename Subject, typename... Args>
requires internal::PathHas<internal::PathFault::kNone, App*, Result (App::*)(Subject&, Args...)> Route
path(internal::PatternOf<Args...> pattern, const std::type_identity_t<App>* app,
     Result (App::*view)(Subject&, Args...) const, std::string_view name) {
    return internal::make_member_route<const App, decltype(view), Result, Subject, Args...>(pattern, app, view, name);
}

inline internal::Included include(Urls urls, std::string_view name_space) { return {std::move(urls), name_space}; }

// ---- What path() does not take, with what the compiler says about it in the line of the route

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kSubject, Rest...> Route path(std::string_view pattern,
                                                                              const Rest&... rest)
__attribute__((unavailable("a view's first parameter is Request& (a page) or WebSocket&: a reference, not a copy")));

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kPage, Rest...> Route path(std::string_view pattern,
                                                                           const Rest&... rest)
__attribute__((unavailable(
    "a view of a Request& returns Response, such as Response::text(text), or Task<Response> if it uses co_await")));

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kSocket, Rest...> Route path(std::string_view pattern,
                                                                             const Rest&... rest)
__attribute__((
    unavailable("a view of a WebSocket& is a coroutine: it returns Task<>, and uses co_await or co_return")));

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kBody, Rest...> Route path(std::string_view pattern,
                                                                           const Rest&... rest)
__attribute__((
    unavailable("a view that reads its request's body is a coroutine that takes the BodyReader by reference, second: "
                "Task<Response> view(Request& request, BodyReader& body, ...)")));

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kCapture, Rest...> Route path(std::string_view pattern,
                                                                              const Rest&... rest)
__attribute__((
    unavailable("a view takes what the path captures by value: an integer, std::string, std::string_view, or a type "
                "with a c10k::Converter")));

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kObject, Rest...> Route path(std::string_view pattern,
                                                                             const Rest&... rest)
__attribute__((unavailable(
    "in front of &App::view stands a pointer to an App that may be changed if the view may: this, or &app")));

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kSignature, Rest...> Route path(std::string_view pattern,
                                                                                const Rest&... rest)
__attribute__((
    unavailable("a view is a function, a member function or a lambda with one signature: without auto and overloads")));

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kInclude, Rest...> Route path(std::string_view pattern,
                                                                              const Rest&... rest)
__attribute__((unavailable(
    "the routes of an app are put under a path by include(): path(\"blog/\", include(blog.urls(), \"blog\"))")));

template <typename... Rest>
requires internal::PathHas<internal::PathFault::kOther, Rest...> Route path(std::string_view pattern,
                                                                            const Rest&... rest)
__attribute__((
    unavailable("path() takes (pattern, view), (pattern, object, &App::view), each with a name or without, or "
                "(pattern, include(...))")));

namespace internal {
// path("blog/", include(...)) needs no c10k:: in front: the compiler finds path() by the type of its argument.
using c10k::path;
}  // namespace internal

}  // namespace c10k
