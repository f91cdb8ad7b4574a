#pragma once

#include "c10k/http.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

// JSON for views: nlohmann::json, and a form of it that can stand beside co_await.
//
//     co_await socket.send(json_text("type", "said", "text", text));
//     everybody.send(json_text("type", "names", "names", json_array("ann", "bob")));
//     co_return Response::json(json_object("user", json_object("name", "ann", "age", 41)));
//
// g++ 12 does not compile `co_await socket.send(json{{"type", "said"}}.dump());`: it says "array used as initializer"
// for the line where the function ends. That is so for every braced list of JSON in a statement with co_await.
namespace c10k {

namespace internal {

nlohmann::json object_of(std::span<nlohmann::json> names_and_values);
nlohmann::json array_of(std::span<nlohmann::json> values);

// Whether every second type, beginning with the first, is that of a name.
template <typename... Parts>
constexpr bool names_and_values_in_turn() {
    if (sizeof...(Parts) % 2 != 0) {
        return false;
    }
    bool is_name = false;
    return (((is_name = !is_name), !is_name || std::convertible_to<Parts, std::string_view>)&&...);
}

}  // namespace internal

// The object of the names and values, in turn; of a name that comes twice it has the last value. A value is anything
// that nlohmann::json is made of: text in UTF-8, numbers, bool, nullptr, containers, other JSON.
template <typename... Parts>
[[nodiscard]] nlohmann::json json_object(Parts&&... names_and_values) {
    static_assert(internal::names_and_values_in_turn<Parts...>(),
                  "json_object() and json_text() take names and values in turn: \"type\", \"said\", \"count\", 3");
    std::array<nlohmann::json, sizeof...(Parts)> parts{nlohmann::json(std::forward<Parts>(names_and_values))...};
    return internal::object_of(parts);
}

// The array of the values.
template <typename... Values>
[[nodiscard]] nlohmann::json json_array(Values&&... values) {
    std::array<nlohmann::json, sizeof...(Values)> parts{nlohmann::json(std::forward<Values>(values))...};
    return internal::array_of(parts);
}

// The text of `value`, as Response::json() writes it: bytes that are not UTF-8 become U+FFFD. Throws std::length_error
// if it has more than 1000 arrays and objects in each other.
[[nodiscard]] std::string json_text(const nlohmann::json& value);

// The text of the object of the names and values, in turn. A single value is written as it is.
template <typename... Parts>
[[nodiscard]] std::string json_text(Parts&&... names_and_values) {
    if constexpr (sizeof...(Parts) == 1) {
        const nlohmann::json& value(std::forward<Parts>(names_and_values)...);  // what is JSON already is not copied
        return json_text(value);
    } else {
        return json_text(json_object(std::forward<Parts>(names_and_values)...));
    }
}

}  // namespace c10k

// The library has its members compiled: a view that includes this file is built in half the time.
extern template class nlohmann::basic_json<>;
