#pragma once

#include "c10k/http.hpp"
#include "c10k/internal/route_pattern.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <concepts>
#include <cstdint>
#include <functional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

// The views that path() takes, and the errors about all others.
namespace c10k {

class BodyReader;
class Urls;

namespace internal {

struct Included;

// The mistakes that callers of path() can make. Each has an overload, so that the compiler's first line names it, with
// the line of the route.
enum class PathFault { kNone, kSubject, kPage, kSocket, kBody, kCapture, kObject, kSignature, kInclude, kOther };

// The pattern of a view that takes Args behind its subject: a BodyReader& in front of them is no capture.
template <typename... Args>
struct PatternMaker {
    using Type = PathPattern<Args...>;
};
template <typename... Args>
struct PatternMaker<BodyReader&, Args...> {
    using Type = PathPattern<Args...>;
};
template <typename... Args>
using PatternOf = typename PatternMaker<Args...>::Type;

template <typename Arg>
inline constexpr bool kIsBody = std::same_as<std::remove_cvref_t<Arg>, BodyReader>;

// The mistake of a view that takes a Subject, which is a reference, and then Args.
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
    } else if constexpr ((kIsBody<Args> || ...)) {
        return PathFault::kBody;
    } else {
        return (Captured<Args> && ...) ? PathFault::kNone : PathFault::kCapture;
    }
}

// The mistake of a view that takes a Subject, a BodyReader& and then Args.
template <typename Result, typename Subject, typename... Args>
constexpr PathFault fault_of_body_view() {
    constexpr PathFault kFault = fault_of_view<Result, Subject, Args...>();
    if constexpr (kFault != PathFault::kNone && kFault != PathFault::kPage) {
        return kFault;
    } else {
        return std::same_as<Result, Task<Response>> ? PathFault::kNone : PathFault::kBody;
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
};

// A view that reads the body of its request is a coroutine.
template <typename Result, typename Subject, typename... Args>
struct ViewSignature<std::function<Result(Subject, BodyReader&, Args...)>> {
    using Pattern = PathPattern<Args...>;
    static constexpr PathFault kFault = fault_of_body_view<Result, Subject, Args...>();
};

// The signature of anything that can be called in one way.
template <typename View>
using FunctionOf = decltype(std::function{std::declval<View>()});
template <typename View>
using SignatureOf = ViewSignature<FunctionOf<View>>;

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

// The mistake in what path() is given after the pattern.
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

}  // namespace internal
}  // namespace c10k
