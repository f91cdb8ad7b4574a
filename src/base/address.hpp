#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace c10k {

// An IPv4 or IPv6 address with a port.
class Address {
public:
    Address() noexcept : storage_{}, size_(0) {}
    Address(const sockaddr* address, socklen_t size) noexcept;

    // Looks `host` up, a name or a number; blocks while it asks. Throws std::runtime_error with a text for a user.
    static Address resolve(std::string_view host, std::uint16_t port);
    // The IP address that `number` is. Throws as above if it is a name.
    static Address resolve_number(std::string_view number, std::uint16_t port);
    // All addresses of that host, at least one, each once: in the order in which this system prefers them (RFC 6724).
    static std::vector<Address> resolve_all(std::string_view host, std::uint16_t port);

    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    [[nodiscard]] socklen_t size() const noexcept { return size_; }
    [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
    [[nodiscard]] std::uint16_t port() const noexcept;
    // Whether it is one of 127.0.0.0/8, or ::1.
    [[nodiscard]] bool is_loopback() const noexcept;
    // What tells whose it is: an IPv4 address itself, of an IPv6 address the 64 bits that one subscriber has for all of
    // theirs. As bytes, and as long as this object.
    [[nodiscard]] std::string_view owner() const noexcept;
    // "127.0.0.1:8000", "[::1]:8000"
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Address& left, const Address& right) noexcept;

private:
    sockaddr_storage storage_;
    socklen_t size_;
};

}  // namespace c10k
