#include "web/host_name.hpp"

#include "base/text.hpp"
#include "wire/host.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstdio>

namespace c10k {
namespace {

// Groups in hexadecimal, as browsers write it; inet_ntop() writes the last two as an IPv4 address if the rest says so.
std::string text_of(const in6_addr& address) {
    std::array<char, INET6_ADDRSTRLEN> number{};
    inet_ntop(AF_INET6, &address, number.data(), number.size());
    std::string text{number.data()};
    if (text.find('.') != std::string::npos) {
        const auto group = [&address](std::size_t at) {
            return static_cast<unsigned>(address.s6_addr[at] << 8 | address.s6_addr[at + 1]);
        };
        std::array<char, 16> last{};
        std::snprintf(last.data(), last.size(), "%x:%x", group(12), group(14));
        text.replace(text.rfind(':') + 1, std::string::npos, last.data());
    }
    return text;
}

}  // namespace

bool ends_in_a_number(std::string_view host) {
    const std::string_view last = host.substr(host.rfind('.') + 1);  // 0 without a dot
    const bool is_hexadecimal =
        last.starts_with("0x") && std::all_of(last.begin() + 2, last.end(), [](char c) { return hex_digit(c) >= 0; });
    return !last.empty() && (is_hexadecimal || std::all_of(last.begin(), last.end(), is_digit));
}

std::optional<std::string> ipv4_in(std::string_view text) {
    in_addr address;
    if (inet_aton(std::string{text}.c_str(), &address) == 0) {
        return std::nullopt;
    }
    std::array<char, INET_ADDRSTRLEN> number{};
    inet_ntop(AF_INET, &address, number.data(), number.size());
    return number.data();
}

std::optional<HostFault> fault_of_host_name(std::string_view host) {
    constexpr std::size_t kLongestName = 253;
    constexpr std::size_t kLongestPart = 63;
    if (host.empty()) {
        return HostFault{"there is no name in it", ""};
    }
    if (host.find(':') != std::string_view::npos) {
        const bool has_brackets = host.starts_with('[') && host.ends_with(']');
        const auto address = wire::parse_ipv6(has_brackets ? host.substr(1, host.size() - 2) : host);
        if (!address) {
            return HostFault{"it is no IPv6 address", ""};
        }
        const std::string spelling = '[' + text_of(*address) + ']';
        return host == spelling ? std::nullopt
                                : std::optional{HostFault{"that is not the usual form of this IPv6 address", spelling}};
    }
    if (const auto bad = std::find_if_not(host.begin(), host.end(), wire::is_host_char); bad != host.end()) {
        return HostFault{std::string{"no name has a '"} + *bad + '\'', ""};
    }
    if (ends_in_a_number(host)) {
        const auto address = ipv4_in(host);
        if (!address) {
            return HostFault{"it is no IPv4 address", ""};
        }
        return host == *address ? std::nullopt
                                : std::optional{HostFault{"that is not the usual form of this IPv4 address", *address}};
    }
    std::string_view rest = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    if (rest.size() > kLongestName) {
        return HostFault{"a name has at most " + std::to_string(kLongestName) + " characters", ""};
    }
    for (std::size_t dot = 0; dot != std::string_view::npos; rest.remove_prefix(std::min(dot + 1, rest.size()))) {
        dot = rest.find('.');
        const std::size_t size = std::min(dot, rest.size());
        if (size == 0 || size > kLongestPart) {
            return HostFault{size == 0 ? "there is nothing between two of its dots"
                                       : "a part of a name has at most " + std::to_string(kLongestPart) + " characters",
                             ""};
        }
    }
    return std::nullopt;
}

}  // namespace c10k
