#include "wire/url.hpp"

#include "base/text.hpp"
#include "c10k/text.hpp"
#include "wire/host.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <cstddef>
#include <optional>
#include <stdexcept>

namespace c10k::wire {

namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    constexpr std::size_t kShown = 200;
    throw std::invalid_argument('"' + printable(text.substr(0, kShown)) + (text.size() > kShown ? "...\": " : "\": ") +
                                std::string{why});
}

// The same with %XX for spaces and all that is not ASCII.
std::string encoded(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const bool stands = c != ' ' && static_cast<unsigned char>(c) < 0x80;
        result += stands ? std::string(1, c) : percent_encode({&c, 1});
    }
    return result;
}

// The characters of an interface's name: RFC 6874 allows no others in a URL.
bool is_zone_char(char c) noexcept {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// A URL in the pieces of RFC 3986, 3, as they stand.
struct Pieces {
    std::string_view text;
    std::string_view scheme;
    std::string_view host;  // with the brackets of an IPv6 address
    std::string_view zone;  // between "%25", or "%" alone, and the bracket
    std::optional<std::string_view> port;
    std::string_view target;  // from the path on
};

void check_characters(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) {
        refuse(text, "a byte order mark (BOM), which nobody sees, stands before the URL: remove it");
    }
    if (std::any_of(text.begin(), text.end(), is_control)) {
        refuse(text, "a URL has no control characters");
    }
    if (trim(text) != text) {
        refuse(text, "a URL has no spaces: write " + std::string{trim(text)});
    }
}

// "localhost:8000/chat/" and the like.
[[noreturn]] void refuse_without_scheme(std::string_view text) {
    std::string_view rest = text.substr(std::min(text.find_first_not_of('/'), text.size()));
    for (const std::string_view scheme : {"ws:", "wss:"}) {
        if (iequals(text.substr(0, scheme.size()), scheme)) {
            rest = text.substr(scheme.size());
            rest = rest.substr(std::min(rest.find_first_not_of('/'), rest.size()));
            refuse(text, "two slashes come after " + std::string{scheme} + " write " + std::string{scheme} + "//" +
                             std::string{rest});
        }
    }
    if (text.empty() || (text.starts_with('/') && !text.starts_with("//"))) {
        refuse(text, "not a URL such as ws://127.0.0.1:8000/");
    }
    refuse(text, "the scheme is missing: write ws://" + std::string{rest});
}

// Takes the zone of an IPv6 address out of its brackets: "[fe80::1%25eth0]" (RFC 6874, 2), "[fe80::1%eth0]".
void split_address(std::string_view authority, Pieces& pieces) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) {
        refuse(pieces.text, "the ] of an IPv6 address is missing");
    }
    pieces.host = authority.substr(0, end + 1);
    if (const std::size_t percent = pieces.host.find('%'); percent != std::string_view::npos) {
        const std::size_t begin = percent + (pieces.host.substr(percent).starts_with("%25") ? 3 : 1);
        pieces.zone = pieces.host.substr(begin, end - begin);
        pieces.host = pieces.host.substr(0, percent);
        if (pieces.zone.empty() || !std::all_of(pieces.zone.begin(), pieces.zone.end(), is_zone_char)) {
            refuse(pieces.text, "what follows the % of an IPv6 address is the name of an interface, such as eth0");
        }
    }
    const std::string_view rest = authority.substr(end + 1);
    if (rest.starts_with(':')) {
        pieces.port = rest.substr(1);
    } else if (!rest.empty()) {
        refuse(pieces.text, "only a port may follow the ] of an IPv6 address");
    }
}

void split_authority(std::string_view authority, Pieces& pieces) {
    if (authority.find('@') != std::string_view::npos) {
        refuse(pieces.text, "a user name is not supported");
    }
    if (authority.starts_with('[')) {
        split_address(authority, pieces);
        return;
    }
    const HostAndPort parts = split_host_and_port(authority);
    if (parts.host.find(':') != std::string_view::npos) {
        refuse(pieces.text, "an IPv6 address stands in brackets, such as [::1]");
    }
    pieces.host = parts.host;
    pieces.port = parts.port;
}

Pieces split(std::string_view text) {
    check_characters(text);
    Pieces pieces;
    pieces.text = text;
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) {
        refuse_without_scheme(text);
    }
    pieces.scheme = text.substr(0, scheme_end);
    const std::string_view rest = text.substr(scheme_end + 3);
    if (pieces.scheme.find_first_of("/?#:") != std::string_view::npos) {
        refuse_without_scheme(text);
    }
    if (rest.find('#') != std::string_view::npos) {
        refuse(text, "a WebSocket's URL has no fragment (#): write %23 if it belongs to the path or the query");
    }
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    split_authority(rest.substr(0, end), pieces);
    pieces.target = rest.substr(end);
    if (pieces.target.find(' ') != std::string_view::npos || !is_ascii(pieces.target)) {
        refuse(text, "spaces and letters beyond ASCII stand as %XX in a URL: write " +
                         std::string{text.substr(0, scheme_end + 3 + end)} + encoded(pieces.target));
    }
    return pieces;
}

void check_host(const Pieces& pieces) {
    if (pieces.host.empty()) {
        refuse(pieces.text, "the host is missing");
    }
    if (!is_ascii(pieces.host)) {
        refuse(pieces.text, "a host has letters of ASCII only: write the form that begins with xn--");
    }
    if (pieces.host.find('%') != std::string_view::npos) {
        refuse(pieces.text, "a host has no %");
    }
    if (!Authority::parse(pieces.zone.empty() ? std::string{pieces.host} : std::string{pieces.host} + ']')) {
        refuse(pieces.text,
               "a host has letters, digits, \"-\", \".\" and \"_\" only, or is an IPv6 address in brackets");
    }
}

}  // namespace

Url Url::parse(std::string_view text) {
    const Pieces pieces = split(text);
    Url url;
    url.scheme = to_lower(pieces.scheme);
    if (url.scheme != "ws" && url.scheme != "wss" && url.scheme != "http" && url.scheme != "https") {
        refuse(text, "the scheme must be ws, wss, http or https");
    }
    check_host(pieces);
    url.host = pieces.host.substr(pieces.host.starts_with('[') ? 1 : 0);
    if (url.host.ends_with(']')) {
        url.host.pop_back();
    }
    url.zone = pieces.zone.empty() ? "" : '%' + std::string{pieces.zone};
    url.port = default_port(url.scheme);
    if (pieces.port) {
        const auto port = to_number<std::uint16_t>(*pieces.port);
        if (!port || *port == 0) {
            refuse(text, "the port must be a number from 1 to 65535");
        }
        url.port = *port;
    }
    url.target = (pieces.target.starts_with('/') ? "" : "/") + std::string{pieces.target};
    if (!boost::urls::parse_origin_form(url.target)) {
        refuse(text, "a character that may not stand in the path or the query of a URL: write it as %XX");
    }
    return url;
}

std::string Url::host_field() const {
    std::string field = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port != default_port(scheme)) {
        field += ':' + std::to_string(port);
    }
    return field;
}

}  // namespace c10k::wire
