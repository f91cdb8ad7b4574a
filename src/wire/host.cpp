#include "wire/host.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace c10k::wire {

namespace {

// Whether `host` is a name or address of the machine that we run on.
bool is_local(std::string_view host) {
    in_addr ipv4;
    if (inet_pton(AF_INET, std::string{host}.c_str(), &ipv4) == 1) {
        return ntohl(ipv4.s_addr) >> 24 == 127;
    }
    return host == "[::1]" || host == "localhost" || host.ends_with(".localhost");
}

struct Origin {
    std::string scheme;
    std::string host;
    std::uint16_t port;
};

// "scheme://host[:port]" of a web page, in small letters (RFC 6454, 6.2).
std::optional<Origin> parse_origin(std::string_view text) {
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string scheme = to_lower(text.substr(0, colon));
    const auto authority = Authority::parse(text.substr(colon + 3));
    if (!authority || (scheme != "http" && scheme != "https")) {
        return std::nullopt;
    }
    return Origin{scheme, to_lower(authority->host), authority->port.value_or(default_port(scheme))};
}

bool matches(const Origin& origin, std::string_view entry) {
    constexpr std::string_view kAnySubdomain = "://*.";
    const std::size_t wildcard = entry.find(kAnySubdomain);
    if (wildcard == std::string_view::npos) {
        const auto wanted = parse_origin(entry);
        return wanted && origin.scheme == wanted->scheme && origin.host == wanted->host && origin.port == wanted->port;
    }
    const auto domain = Authority::parse(entry.substr(wildcard + kAnySubdomain.size()));
    return domain && iequals(origin.scheme, entry.substr(0, wildcard)) &&
           origin.host.ends_with('.' + to_lower(domain->host)) &&
           origin.port == domain->port.value_or(default_port(origin.scheme));
}

}  // namespace

HostAndPort split_host_and_port(std::string_view text) noexcept {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.find(']', colon) != std::string_view::npos) {
        return {text, std::nullopt};
    }
    return {text.substr(0, colon), text.substr(colon + 1)};
}

bool is_host_char(char c) noexcept { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; }

std::optional<in6_addr> parse_ipv6(std::string_view text) {
    const auto is_part = [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; };
    in6_addr address;
    const bool is_address =
        std::all_of(text.begin(), text.end(), is_part) && inet_pton(AF_INET6, std::string{text}.c_str(), &address) == 1;
    return is_address ? std::optional{address} : std::nullopt;
}

std::uint16_t default_port(std::string_view scheme) noexcept { return scheme == "https" || scheme == "wss" ? 443 : 80; }

std::optional<Authority> Authority::parse(std::string_view text) {
    const auto [host, port] = split_host_and_port(text);
    Authority authority{host, port ? to_number<std::uint16_t>(*port) : std::nullopt};
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    const bool good = port.has_value() == authority.port.has_value() &&
                      (is_bracketed ? parse_ipv6(host.substr(1, host.size() - 2)).has_value()
                                    : !host.empty() && std::all_of(host.begin(), host.end(), is_host_char));
    return good ? std::optional{authority} : std::nullopt;
}

bool host_allowed(std::string_view host_field, std::span<const std::string> allowed_hosts) {
    const auto authority = Authority::parse(host_field);
    if (!authority) {
        return false;
    }
    std::string host = to_lower(authority->host);
    if (host.ends_with('.')) {
        host.pop_back();  // "example.com." is the same name, fully qualified
    }
    return is_local(host) || std::any_of(allowed_hosts.begin(), allowed_hosts.end(), [&host](const std::string& entry) {
               if (entry.starts_with('.')) {
                   const std::string suffix = to_lower(entry);
                   return host.ends_with(suffix) || host == suffix.substr(1);
               }
               return entry == "*" || iequals(host, entry);
           });
}

bool host_is_local(std::string_view host_field) { return host_allowed(host_field, {}); }

bool origin_allowed(std::optional<std::string_view> origin, std::string_view host_field,
                    std::span<const std::string> allowed_origins, Scheme scheme) {
    if (!origin || std::find(allowed_origins.begin(), allowed_origins.end(), "*") != allowed_origins.end()) {
        return true;
    }
    const auto page = parse_origin(*origin);
    if (!page) {
        return false;  // "null" among others
    }
    // Behind a TLS proxy perhaps only the origin knows the scheme, so it gives the Host field's default port too.
    const auto host = Authority::parse(host_field);
    const bool is_ours = host && iequals(page->host, host->host) &&
                         page->port == host->port.value_or(default_port(page->scheme)) &&
                         (scheme == Scheme::kUnknown || page->scheme == "https");
    return is_ours || std::any_of(allowed_origins.begin(), allowed_origins.end(),
                                  [&page](const std::string& entry) { return matches(*page, entry); });
}

bool origin_is_local(std::string_view origin) {
    const auto page = parse_origin(origin);
    return page && is_local(page->host);
}

std::optional<std::string> normal_origin(std::string_view origin) {
    const auto page = parse_origin(origin);
    if (!page) {
        return std::nullopt;
    }
    const std::string port = page->port == default_port(page->scheme) ? "" : ':' + std::to_string(page->port);
    return page->scheme + "://" + page->host + port;
}

}  // namespace c10k::wire
