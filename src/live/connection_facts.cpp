#include "live/connection_facts.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

namespace c10k {
namespace {

constexpr int kHexadecimal = 16;

std::string hex(std::uint64_t number) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, kHexadecimal);
    return {digits, end.ptr};
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number, kHexadecimal);
    return error == std::errc{} && stopped == end ? std::optional{number} : std::nullopt;
}

}  // namespace

std::string ConnectionId::text(std::uint32_t loops) const {
    const std::string place = hex(std::uint64_t{slot} * loops + loop);
    return generation == 0 ? place : place + '-' + hex(generation);
}

std::optional<ConnectionId> ConnectionId::parse(std::string_view text, std::uint32_t loops) {
    const std::size_t dash = std::min(text.find('-'), text.size());
    const auto place = parse_hex(text.substr(0, dash));
    const auto generation = dash == text.size() ? std::optional<std::uint64_t>{0} : parse_hex(text.substr(dash + 1));
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    if (!place || !generation || *place / loops > kMost || *generation > kMost) {
        return std::nullopt;
    }
    return ConnectionId{static_cast<std::uint32_t>(*place % loops), static_cast<std::uint32_t>(*place / loops),
                        static_cast<std::uint32_t>(*generation)};
}

}  // namespace c10k
