#pragma once

#include <optional>
#include <string>
#include <string_view>

// Hosts in the one spelling that browsers send (WHATWG URL, 3.5).
namespace c10k {

struct HostFault {
    std::string why;
    std::string spelling;  // the usual form; "" if there is none to suggest
};

// Why no browser sends `host`, which is in small letters: it is no name and no address, or has another usual form.
[[nodiscard]] std::optional<HostFault> fault_of_host_name(std::string_view host);

// Whether the last part is a number: then all is an IPv4 address, or nothing (WHATWG URL, 3.5, "ends in a number").
[[nodiscard]] bool ends_in_a_number(std::string_view host);

// The usual form of an IPv4 address, which may be written as inet_aton() reads it; empty if `text` is none.
[[nodiscard]] std::optional<std::string> ipv4_in(std::string_view text);

}  // namespace c10k
