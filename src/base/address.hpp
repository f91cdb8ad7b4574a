#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace c10k {

// An IPv4 or IPv6 address with a port, or that of a unix socket.
class Address {
public:
    Address() noexcept : storage_{}, size_(0) {}
    Address(const sockaddr* address, socklen_t size) noexcept;

    // Looks `host` up, a name or a number. Blocks meanwhile. Throws std::runtime_error with a text for a user.
    static Address resolve(std::string_view host, std::uint16_t port);
    // Parses `number` as an IP address. Throws as above if it is a name.
    static Address resolve_number(std::string_view number, std::uint16_t port);
    // All addresses of that host, at least one, each once: in the order in which this system prefers them (RFC 6724).
    static std::vector<Address> resolve_all(std::string_view host, std::uint16_t port);
    // The unix socket with that path, or with an abstract name that begins with "@". Throws std::runtime_error with a
    // text for a user if it is too long.
    static Address unix_socket(std::string_view path);

    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    [[nodiscard]] socklen_t size() const noexcept { return size_; }
    [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
    [[nodiscard]] std::uint16_t port() const noexcept;  // 0 of a unix socket
    // Requires: an IPv4 or IPv6 address.
    void set_port(std::uint16_t port) noexcept;
    // The file of a unix socket; "" if it has none.
    [[nodiscard]] std::string unix_path() const;
    // Whether it is 0.0.0.0 or ::, which stand for all addresses of this machine.
    [[nodiscard]] bool is_any() const noexcept;
    // Whether it is one of 127.0.0.0/8, or ::1.
    [[nodiscard]] bool is_loopback() const noexcept;
    // The part that identifies a subscriber, as bytes that live as long as this object: an IPv4 address itself, and of
    // an IPv6 address the first 64 bits.
    [[nodiscard]] std::string_view subnet_key() const noexcept;
    // "127.0.0.1:8000", "[::1]:8000", "unix:/run/site.sock", or "unix:" of a client of that
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Address& left, const Address& right) noexcept;

private:
    sockaddr_storage storage_;
    socklen_t size_;
};

}  // namespace c10k
