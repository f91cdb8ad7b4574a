#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace c10k {

// All of ASCII, whatever the locale.
[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_letter(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// The value of a hexadecimal digit; -1 if `c` is none.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
    if (is_digit(c)) {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Whether `c` is an ASCII control character; in HTTP none but the tab may stand in text.
[[nodiscard]] constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

[[nodiscard]] inline bool is_ascii(std::string_view text) noexcept {
    constexpr std::uint64_t kHighBits = 0x8080808080808080;
    std::uint64_t seen = 0;
    while (text.size() >= sizeof seen) {
        std::uint64_t word;
        std::memcpy(&word, text.data(), sizeof word);
        seen |= word;
        text.remove_prefix(sizeof seen);
    }
    for (const char c : text) {
        seen |= static_cast<unsigned char>(c);
    }
    return (seen & kHighBits) == 0;
}

// Without the spaces and tabs at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

// In ASCII's small letters; other bytes stay as they are.
[[nodiscard]] std::string to_lower(std::string_view text);

// Whether two texts are equal but for the case of ASCII letters.
[[nodiscard]] bool iequals(std::string_view left, std::string_view right) noexcept;

// Whether `text` is a token: a method, a field name, a subprotocol (RFC 9110, 5.6.2).
[[nodiscard]] bool is_token(std::string_view text) noexcept;
[[nodiscard]] bool is_token_char(char c) noexcept;

// The members of a comma-separated list, trimmed, without the empty ones (RFC 9110, 5.6.1). They point into `list`.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view list);

// Parses `text` if it is only decimal digits and the number fits: no sign, no space, no prefix.
template <std::integral Number>
[[nodiscard]] std::optional<Number> to_number(std::string_view text) noexcept {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stopped != end || !is_digit(text.front())) {
        return std::nullopt;
    }
    return number;
}

// Replaces each %XX by its byte. A % that two hexadecimal digits do not follow stands for itself (WHATWG URL, 1.3).
[[nodiscard]] std::string percent_decode(std::string_view text);

// Replaces all bytes by %XX but letters, digits, "-._~" and those in `safe` (RFC 3986, 2.3).
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view safe = "/");

// The reference to a path of this host, "/a%20b" for "a b". It never begins like "//other.host/", nor like "/\\", which
// browsers treat the same (RFC 3986, 4.2). `path` has no "/" in front.
[[nodiscard]] std::string encode_path(std::string_view path);

// For text between tags and for quoted attributes.
[[nodiscard]] std::string html_escape(std::string_view text);

// `text` as one word of a POSIX shell: in single quotes, if it needs them.
[[nodiscard]] std::string quoted_for_shell(std::string_view text);

// The same text with U+FFFD instead of bytes that are not UTF-8: one for each longest start of a sequence (Unicode
// 15, 3.9).
[[nodiscard]] std::string repair_utf8(std::string_view bytes);

}  // namespace c10k
