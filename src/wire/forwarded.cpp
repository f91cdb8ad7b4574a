#include "wire/forwarded.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace c10k::wire {
namespace {

constexpr std::string_view kSpace = " \t";
constexpr std::string_view kUnix = "unix:";  // clients of a unix socket

// An address as 16 bytes; IPv4 addresses are mapped (RFC 4291, 2.5.5.2).
using Bytes = std::array<std::uint8_t, 16>;
constexpr unsigned kMappedBits = 96;

std::optional<Bytes> parse_address(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> number{};
    if (text.size() >= number.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::copy(text.begin(), text.end(), number.begin());
    Bytes bytes{};
    if (::inet_pton(AF_INET6, number.data(), bytes.data()) == 1) {
        return bytes;
    }
    bytes[10] = bytes[11] = 0xff;
    if (::inet_pton(AF_INET, number.data(), bytes.data() + kMappedBits / 8) == 1) {
        return bytes;
    }
    return std::nullopt;
}

struct Network {
    Bytes address{};
    unsigned bits = 0;

    static std::optional<Network> parse(std::string_view text) {
        const std::size_t slash = text.find('/');
        const auto address = parse_address(text.substr(0, slash));
        if (!address) {
            return std::nullopt;
        }
        const bool is_ipv4 = text.find(':') == std::string_view::npos;
        const unsigned most = is_ipv4 ? 32 : 128;
        unsigned bits = most;
        if (slash != std::string_view::npos) {
            const char* const end = text.data() + text.size();
            const auto [stopped, error] = std::from_chars(text.data() + slash + 1, end, bits);
            if (error != std::errc{} || stopped != end || bits > most) {
                return std::nullopt;
            }
        }
        return Network{*address, is_ipv4 ? bits + kMappedBits : bits};
    }

    [[nodiscard]] bool holds(const Bytes& other) const noexcept {
        const unsigned whole = bits / 8;
        const unsigned rest = bits % 8;
        return std::equal(other.begin(), other.begin() + whole, address.begin()) &&
               (rest == 0 || (other[whole] ^ address[whole]) >> (8 - rest) == 0);
    }
};

// The address that "127.0.0.1:54321", "[::1]:54321", "[::1]", "127.0.0.1" or "::1" says. Nothing if the text is not all
// of that: brackets are for IPv6, and a port is a number up to 65535.
std::optional<Bytes> parse_peer(std::string_view text) {
    const std::size_t begin = text.starts_with('[') ? 1 : 0;
    std::size_t end = text.size();  // of the address
    if (begin == 1) {
        end = text.find(']');
    } else if (const std::size_t colon = text.find(':'); colon == text.rfind(':')) {
        end = std::min(colon, text.size());
    }
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view address = text.substr(begin, end - begin);
    const std::string_view port = text.substr(end + begin);  // with its colon
    const bool is_port = port.empty() || (port.starts_with(':') && to_number<std::uint16_t>(port.substr(1)));
    const bool is_ipv6 = address.find(':') != std::string_view::npos;
    return is_port && (is_ipv6 || begin == 0) ? parse_address(address) : std::nullopt;
}

// Takes the last member off a list with commas.
std::string_view take_last(std::string_view& list) {
    const std::size_t comma = list.rfind(',');
    std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
    last.remove_prefix(std::min(last.find_first_not_of(kSpace), last.size()));
    return last.substr(0, last.find_last_not_of(kSpace) + 1);
}

}  // namespace

bool is_network(std::string_view text) { return Network::parse(text).has_value(); }

bool is_trusted(std::string_view address, std::span<const std::string> trusted) {
    if (address.starts_with(kUnix)) {
        return std::find(trusted.begin(), trusted.end(), kUnix) != trusted.end();
    }
    const auto bytes = parse_peer(address);
    return bytes && std::any_of(trusted.begin(), trusted.end(), [&bytes](const std::string& entry) {
               const auto network = Network::parse(entry);
               return network && network->holds(*bytes);
           });
}

std::string client_of(std::string_view peer, const Headers& headers, std::span<const std::string> trusted) {
    std::string client{peer};
    // Several fields are one list, in their order (RFC 9110, 5.3).
    std::string list;
    for (const Headers::Field& field : headers) {
        if (iequals(field.name, "X-Forwarded-For")) {
            list += (list.empty() ? "" : ",") + field.value;
        }
    }
    for (std::string_view rest = list; !rest.empty() && is_trusted(client, trusted);) {
        const std::string_view before = take_last(rest);
        if (!parse_peer(before)) {
            break;  // "unknown", or nonsense
        }
        client = before;
    }
    return client;
}

bool came_securely(const Request& request, std::span<const std::string> trusted) {
    std::optional<std::string_view> told;
    for (const Headers::Field& field : request.headers) {
        if (iequals(field.name, "X-Forwarded-Proto")) {
            told = field.value;
        }
    }
    if (!told || !is_trusted(request.peer, trusted)) {
        return request.is_secure;
    }
    return iequals(take_last(*told), "https");
}

}  // namespace c10k::wire
