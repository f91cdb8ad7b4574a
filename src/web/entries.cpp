#include "web/entries.hpp"

#include "base/spelling.hpp"
#include "base/text.hpp"
#include "web/host_name.hpp"
#include "wire/forwarded.hpp"
#include "wire/host.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace c10k {
namespace {

using Fault = std::optional<EntryFault>;

constexpr const char* kPunycode = "write it as browsers send it, in punycode: each part that is not ASCII as xn--...";

std::string write(const std::string& spelling) { return "write " + spelling; }

// No name, address or origin holds these characters. Comes first, since the other checks would misread them.
Fault fault_of_characters(std::string_view entry,
                          const char* hint = "between two entries stands a comma, and in one of them no space") {
    if (const std::string invisible = invisible_in(entry); !invisible.empty()) {
        return EntryFault{"there is a character in it that cannot be seen, " + invisible, "type it again"};
    }
    if (entry.find_first_of(" \t") != std::string_view::npos) {
        return EntryFault{"there is a space in it", hint};
    }
    if (std::any_of(entry.begin(), entry.end(), is_control)) {
        return EntryFault{"there is a control character in it", "type it again"};
    }
    if (entry.find_first_of("\"'") != std::string_view::npos) {
        return EntryFault{"there are quotes in it", "write it without"};
    }
    return std::nullopt;
}

// ---- The pieces around a host

// The pieces of "scheme://user@host:port/path", unchecked.
struct Pieces {
    std::string scheme;  // in small letters; "" without "://"
    bool has_user = false;
    std::string host;                 // in small letters, with brackets
    std::optional<std::string> port;  // the text after the colon
    std::string_view tail;            // from "/", "?", "#" or "\\" on
};

Pieces take_apart(std::string_view text) {
    Pieces pieces;
    if (const std::size_t mark = text.find("://"); mark != std::string_view::npos) {
        pieces.scheme = to_lower(text.substr(0, mark));
        text.remove_prefix(mark + 3);
    }
    const std::size_t end = std::min(text.find_first_of("/?#\\"), text.size());
    pieces.tail = text.substr(end);
    text = text.substr(0, end);
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        pieces.has_user = true;
        text.remove_prefix(at + 1);
    }
    const auto [host, port] = wire::split_host_and_port(text);
    const bool is_bare_ipv6 = !host.starts_with('[') && host.find(':') != std::string_view::npos;
    if (port && !is_bare_ipv6) {
        pieces.port = *port;
        text = host;
    }
    pieces.host = to_lower(text);
    return pieces;
}

std::string name_of(std::string_view tail) {
    return tail.front() == '?' ? "query" : tail.front() == '#' ? "fragment" : "path";
}

bool is_port(std::string_view text) { return to_number<std::uint16_t>(text).value_or(0) != 0; }

}  // namespace

std::optional<EntryFault> fault_of_host(std::string_view entry) {
    if (entry == "*") {
        return std::nullopt;
    }
    if (auto fault = fault_of_characters(entry)) {
        return fault;
    }
    if (!is_ascii(entry)) {
        return EntryFault{"requests name their host in ASCII only", kPunycode};
    }
    const Pieces pieces = take_apart(entry);
    std::string name = pieces.host;
    std::string why;
    if (!pieces.scheme.empty()) {
        why = "a host has no scheme";
    } else if (pieces.has_user) {
        why = "a host has no user";
    } else if (!pieces.tail.empty()) {
        why = "a host has no " + name_of(pieces.tail);
    } else if (pieces.port) {
        why = "an entry is good for every port, and names none";
    }
    if (name.starts_with("*.")) {
        name.erase(0, 1);
        why = "all names below another one are written with a dot only";
    }
    const std::string dot = name.starts_with('.') ? "." : "";
    name.erase(0, dot.size());
    if (name.size() > 1 && name.ends_with('.')) {
        name.pop_back();
        why = "names are compared without the dot at their end";
    }
    std::optional<HostFault> fault = fault_of_host_name(name);
    if (!fault && !dot.empty() && (ends_in_a_number(name) || name.starts_with('['))) {
        fault = HostFault{"there are no names below an address", name};
    }
    if (fault && fault->spelling.empty()) {
        return EntryFault{fault->why, "a name without scheme and port, .name for all below it too, or *"};
    }
    if (fault) {
        return EntryFault{fault->why, write(fault->spelling)};
    }
    return why.empty() ? std::nullopt : Fault{EntryFault{why, write(dot + name)}};
}

std::optional<EntryFault> fault_of_origin(std::string_view entry) {
    constexpr const char* kForms =
        "an origin is https://example.com, https://example.com:8000 or https://*.example.com";
    if (entry == "*") {
        return std::nullopt;
    }
    if (auto fault = fault_of_characters(entry)) {
        return fault;
    }
    if (iequals(entry, "null")) {
        return EntryFault{"anybody can make a page that has no origin, and says null",
                          "serve that page from a host, and allow the origin of that"};
    }
    const Pieces pieces = take_apart(entry);
    std::string scheme = pieces.scheme;
    if (scheme.empty() && (pieces.host == "https" || pieces.host == "http") && pieces.port) {
        return EntryFault{"behind its scheme stands ://", kForms};
    }
    std::string why;
    if (scheme == "ws" || scheme == "wss") {
        why = "an origin is that of a page, which does not come by " + scheme;
        scheme = scheme == "ws" ? "http" : "https";
    } else if (scheme.empty()) {
        why = "it has no scheme";
        scheme = "https";
    } else if (scheme != "https" && scheme != "http") {
        return EntryFault{"only pages that come by http or https can be allowed", kForms};
    }
    if (!is_ascii(entry)) {
        return EntryFault{"browsers send the names of hosts in ASCII", kPunycode};
    }
    if (pieces.has_user) {
        why = "an origin has no user";
    }
    if (!pieces.tail.empty()) {
        why = "an origin has no " + name_of(pieces.tail);
    }
    std::string host = pieces.host;
    if (host == "*" || host == "*." || host == ".") {
        return EntryFault{"* stands for the names below another one",
                          "write * alone to allow all origins, or " + scheme + "://*.example.com"};
    }
    if (host.starts_with('.')) {
        host.insert(0, 1, '*');
        why = "all names below another one are written with *";
    }
    const bool is_wild = host.starts_with("*.");
    const std::string name = host.substr(is_wild ? 2 : 0);
    const std::optional<HostFault> fault = fault_of_host_name(name);
    if (fault && fault->spelling.empty()) {
        return EntryFault{fault->why, kForms};
    }
    if (fault) {
        why = fault->why;
        host = fault->spelling;
    } else if (is_wild && (ends_in_a_number(name) || name.starts_with('['))) {
        why = "there are no names below an address";
        host = name;
    }
    const std::string spelling = scheme + "://" + host;
    if (pieces.port && !is_port(*pieces.port)) {
        return EntryFault{
            pieces.port->empty() ? "there is no port behind the colon" : "its port is not a number from 1 to 65535",
            write(spelling) + (pieces.port->empty() ? "" : ", or a port that browsers can name")};
    }
    return why.empty() ? std::nullopt
                       : Fault{EntryFault{why, write(spelling + (pieces.port ? ':' + *pieces.port : ""))}};
}

std::optional<EntryFault> fault_of_proxy(std::string_view entry) {
    constexpr const char* kForms = "such as 127.0.0.1, 10.0.0.0/8, fd00::/8, or unix: for clients of a unix socket";
    if (entry == "unix:" || wire::is_network(entry)) {
        return std::nullopt;
    }
    if (auto fault = fault_of_characters(entry)) {
        return fault;
    }
    if (entry == "*") {
        return EntryFault{"* is not a network", "write 0.0.0.0/0, ::/0 if everybody who connects is to be believed"};
    }
    if (entry.starts_with("unix:")) {
        return EntryFault{"clients of a unix socket have no path", "write unix:"};
    }
    Pieces pieces = take_apart(entry);
    if (pieces.host.starts_with('[') && pieces.host.ends_with(']')) {
        pieces.host = pieces.host.substr(1, pieces.host.size() - 2);
    }
    if (wire::is_network(pieces.host)) {
        const std::string network = pieces.host + std::string{pieces.tail};
        if (wire::is_network(network)) {
            return EntryFault{"it is neither an address nor a network", write(network)};
        }
        return EntryFault{"after the / comes the number of common bits: up to 32, for IPv6 up to 128", kForms};
    }
    if (const auto address = ipv4_in(pieces.host); address && pieces.tail.empty()) {
        return EntryFault{"that is not the usual form of this IPv4 address", write(*address)};
    }
    if (!pieces.host.empty() && pieces.host.find('.') != 0 && !ends_in_a_number(pieces.host) &&
        !fault_of_host_name(pieces.host)) {
        return EntryFault{"names are not looked up", "write the address of that host, " + std::string{kForms}};
    }
    return EntryFault{"it is neither an address nor a network", kForms};
}

std::optional<EntryFault> fault_of_listening_host(std::string_view host) {
    constexpr const char* kForms = "an address of this machine such as 127.0.0.1 or ::1, a name for it, * for all";
    if (host == "*") {
        return std::nullopt;
    }
    if (host.starts_with("unix:")) {
        const bool has_name = host.size() > 5 && host != "unix:@";
        return has_name ? std::nullopt : Fault{EntryFault{"the path is missing", "write unix:/run/site.sock"}};
    }
    if (host.empty()) {
        return EntryFault{"it is empty", kForms};
    }
    if (auto fault = fault_of_characters(host, kForms)) {
        return fault;
    }
    if (!is_ascii(host)) {
        return EntryFault{"it is not in ASCII", kPunycode};
    }
    const Pieces pieces = take_apart(host);
    if (!pieces.scheme.empty() || pieces.has_user || !pieces.tail.empty() || pieces.port) {
        const std::string why = pieces.port && pieces.scheme.empty() && pieces.tail.empty()
                                    ? "the port is a setting of its own"
                                    : "it is no host";
        const bool has_name = !fault_of_host_name(pieces.host);
        const std::string port = pieces.port && is_port(*pieces.port) ? " and port = " + *pieces.port : "";
        return EntryFault{why, has_name ? write("host = " + pieces.host + port) : kForms};
    }
    // Addresses may be written in any way that the system understands, with a zone, too: fe80::1%eth0.
    if (host.find(':') != std::string_view::npos) {
        const std::string_view number =
            host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
        return wire::parse_ipv6(number.substr(0, number.find('%')))
                   ? std::nullopt
                   : Fault{EntryFault{"it is no IPv6 address", kForms}};
    }
    const auto fault = fault_of_host_name(pieces.host);
    return fault && fault->spelling.empty() ? Fault{EntryFault{fault->why, kForms}} : std::nullopt;
}

}  // namespace c10k
