#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

// How what a path captures becomes a view's parameter.
namespace c10k {

template <typename T>
struct Converter;

namespace internal {

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

}  // namespace internal
}  // namespace c10k
