#include "web/byte_range.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <limits>

namespace c10k {
namespace {

// A position in a file; one that is too large for the type lies behind the end of every file. Empty if it is no number.
std::optional<std::size_t> parse_position(std::string_view text) {
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) {
        return std::nullopt;
    }
    return to_number<std::size_t>(text).value_or(std::numeric_limits<std::size_t>::max());
}

// RFC 9110, 14.1.2: "0-499", "500-", or "-500" for the last 500.
std::optional<ByteRange> parse_range(std::string_view text, std::size_t whole) {
    const std::size_t dash = std::min(text.find('-'), text.size());
    const auto begin = parse_position(text.substr(0, dash));
    const auto end = parse_position(text.substr(std::min(dash + 1, text.size())));
    if (dash == text.size() || (!begin && dash > 0) || (!end && dash + 1 < text.size())) {
        return std::nullopt;
    }
    if (dash == 0) {
        const auto size = end ? std::optional{std::min(*end, whole)} : std::nullopt;
        return size ? std::optional{ByteRange{whole - *size, *size}} : std::nullopt;
    }
    if (end && *end < *begin) {
        return std::nullopt;
    }
    if (*begin >= whole) {
        return ByteRange{};
    }
    return ByteRange{*begin, std::min(end.value_or(whole - 1), whole - 1) - *begin + 1};
}

// RFC 9110, 13.1.5: the comparison is strong, and a date counts only if it is the very same.
bool is_same_version(const Headers& headers, std::string_view etag, std::string_view last_modified) {
    const auto known = headers.get("If-Range");
    return !known || (headers.count("If-Range") == 1 && (*known == etag || *known == last_modified));
}

}  // namespace

std::string ByteRange::content_range(std::size_t whole) const {
    const std::string part = size == 0 ? "*" : std::to_string(first) + '-' + std::to_string(first + size - 1);
    return "bytes " + part + '/' + std::to_string(whole);
}

std::optional<ByteRange> requested_range(const Request& request, std::size_t whole, std::string_view etag,
                                         std::string_view last_modified) {
    const std::string_view field = request.headers.get("Range").value_or("");
    const std::size_t equals = field.find('=');
    if (request.method != "GET" || request.headers.count("Range") != 1 || equals == std::string_view::npos ||
        !iequals(field.substr(0, equals), "bytes") || !is_same_version(request.headers, etag, last_modified)) {
        return std::nullopt;
    }
    const auto parts = split_list(field.substr(equals + 1));
    return parts.size() == 1 ? parse_range(parts[0], whole) : std::nullopt;
}

}  // namespace c10k
