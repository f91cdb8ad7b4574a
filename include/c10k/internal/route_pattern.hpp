#pragma once

#include "c10k/internal/capture.hpp"
#include "c10k/internal/require.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string_view>

// The patterns of routes, checked while the program is compiled.
namespace c10k::internal {

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
        require(!at_end(), "PatternReader::next(): the pattern has ended");
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

// The path in front of the patterns of an included list; it captures nothing.
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

}  // namespace c10k::internal
