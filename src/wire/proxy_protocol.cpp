#include "wire/proxy_protocol.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <netinet/in.h>
#include <optional>

namespace c10k::wire {
namespace {

constexpr std::string_view kLineStart = "PROXY ";
constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

// Offsets in the header of version 2.
constexpr std::size_t kVersionAt = 12;
constexpr std::size_t kFamilyAt = 13;
constexpr std::size_t kFixedBytes = 16;

// Its byte 12 has the version and the command, its byte 13 the family and the transport.
constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;
constexpr std::uint8_t kUnknown = 0x00;
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kUnixStream = 0x31;

constexpr std::size_t kTcp4Bytes = 12;
constexpr std::size_t kTcp6Bytes = 36;
constexpr std::size_t kUnixBytes = 216;
constexpr std::size_t kExtensionHead = 3;  // its type, and the length of the rest

std::uint8_t byte(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::size_t two_bytes(std::string_view bytes, std::size_t at) {
    return static_cast<std::size_t>(byte(bytes, at) << 8 | byte(bytes, at + 1));
}

Address make_address(const in_addr& number, std::uint16_t port_in_order) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr = number;
    address.sin_port = port_in_order;
    return Address{reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

Address make_address(const in6_addr& number, std::uint16_t port_in_order) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = number;
    address.sin6_port = port_in_order;
    return Address{reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

// A number of the network, and the port in the network's order.
template <typename Number>
Address read_address(std::string_view number, std::string_view port) {
    Number read{};
    std::uint16_t port_in_order = 0;
    std::memcpy(&read, number.data(), sizeof read);
    std::memcpy(&port_in_order, port.data(), sizeof port_in_order);
    return make_address(read, port_in_order);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const bool is_shortest = text == "0" || !text.starts_with('0');
    return is_shortest ? to_number<std::uint16_t>(text) : std::nullopt;
}

template <typename Number>
std::optional<Address> parse_address(int family, std::string_view text, std::string_view port_text) {
    Number number{};
    const std::string ended{text};
    const auto port = parse_port(port_text);
    if (::inet_pton(family, ended.c_str(), &number) != 1 || ended.find('\0') != std::string::npos || !port) {
        return std::nullopt;
    }
    return make_address(number, htons(*port));
}

// An address of version 1, which has them as texts.
std::optional<Address> parse_address(std::string_view protocol, std::string_view text, std::string_view port) {
    return protocol == "TCP4" ? parse_address<in_addr>(AF_INET, text, port)
                              : parse_address<in6_addr>(AF_INET6, text, port);
}

// Whether they are extensions, each with as many bytes as it says.
bool are_extensions(std::string_view bytes) {
    while (!bytes.empty()) {
        if (bytes.size() < kExtensionHead || bytes.size() - kExtensionHead < two_bytes(bytes, 1)) {
            return false;
        }
        bytes.remove_prefix(kExtensionHead + two_bytes(bytes, 1));
    }
    return true;
}

}  // namespace

std::size_t ProxyHeader::receive(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && state_ == State::kReading) {
        take(bytes[taken++]);
    }
    return taken;
}

void ProxyHeader::take(char c) {
    bytes_ += c;
    if (bytes_.front() == kLineStart.front()) {
        take_of_line(c);
    } else if (bytes_.front() == kSignature.front()) {
        take_of_binary();
    } else {
        fail("it does not begin with a PROXY header");
    }
}

void ProxyHeader::take_of_line(char c) {
    const std::string_view start = std::string_view{bytes_}.substr(0, kLineStart.size());
    if (!kLineStart.starts_with(start)) {
        fail("it does not begin with a PROXY header");
    } else if (c == '\n' && bytes_.ends_with("\r\n")) {
        read_line(std::string_view{bytes_}.substr(0, bytes_.size() - 2));
    } else if (c == '\n' || (bytes_.size() > 1 && bytes_[bytes_.size() - 2] == '\r')) {
        fail("a line end that is not CR LF");
    } else if (bytes_.size() == kMaxLine) {
        fail("the line is too long");
    }
}

void ProxyHeader::read_line(std::string_view line) {
    std::array<std::string_view, 6> words;  // PROXY, TCP4, source, destination, its port, the other's port
    std::string_view rest = line;
    std::size_t count = 0;
    for (; count < words.size() && !rest.empty(); ++count) {
        const std::size_t space = std::min(rest.find(' '), rest.size());
        words[count] = rest.substr(0, space);
        rest.remove_prefix(std::min(space + 1, rest.size()));
    }
    if (words[1] == "UNKNOWN") {
        complete({});  // any bytes may follow
        return;
    }
    if ((words[1] != "TCP4" && words[1] != "TCP6") || count != words.size() || !rest.empty() || line.ends_with(' ')) {
        fail("the line has unexpected words");
        return;
    }
    const auto source = parse_address(words[1], words[2], words[4]);
    const auto destination = parse_address(words[1], words[3], words[5]);
    if (!source || !destination) {
        fail("the line has a bad address or port");
        return;
    }
    complete(*source);
}

void ProxyHeader::take_of_binary() {
    const std::size_t size = bytes_.size();
    if (size <= kSignature.size()) {
        if (!kSignature.starts_with(bytes_)) {
            fail("it does not begin with a PROXY header");
        }
    } else if (size == kVersionAt + 1) {
        if (byte(bytes_, kVersionAt) != kLocal && byte(bytes_, kVersionAt) != kProxy) {
            fail("unknown version or command");
        }
    } else if (size == kFamilyAt + 1) {
        const std::array known{kUnknown, kTcp4, kTcp6, kUnixStream};
        if (std::find(known.begin(), known.end(), byte(bytes_, kFamilyAt)) == known.end()) {
            fail("unknown family or transport");
        }
    } else if (size == kFixedBytes && kFixedBytes + two_bytes(bytes_, kFamilyAt + 1) > kMaxBinary) {
        fail("the header is too long");
    } else if (size >= kFixedBytes && size == kFixedBytes + two_bytes(bytes_, kFamilyAt + 1)) {
        read_binary();
    }
}

void ProxyHeader::read_binary() {
    const std::string_view rest = std::string_view{bytes_}.substr(kFixedBytes);
    const std::uint8_t family = byte(bytes_, kFamilyAt);
    if (byte(bytes_, kVersionAt) == kLocal || family == kUnknown) {
        complete({});  // any bytes may follow
        return;
    }
    const std::size_t addresses = family == kTcp4 ? kTcp4Bytes : family == kTcp6 ? kTcp6Bytes : kUnixBytes;
    if (rest.size() < addresses) {
        fail("the addresses are cut");
    } else if (!are_extensions(rest.substr(addresses))) {
        fail("the length of an extension is wrong");
    } else if (family == kUnixStream) {
        complete({});
    } else if (family == kTcp4) {
        complete(read_address<in_addr>(rest, rest.substr(2 * sizeof(in_addr))));
    } else {
        complete(read_address<in6_addr>(rest, rest.substr(2 * sizeof(in6_addr))));
    }
}

void ProxyHeader::fail(std::string_view why) noexcept {
    state_ = State::kFailed;
    failure_ = why;
}

void ProxyHeader::complete(const Address& client) noexcept {
    state_ = State::kComplete;
    client_ = client;
}

}  // namespace c10k::wire
