#include "base/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/un.h>

namespace c10k {

Address::Address(const sockaddr* address, socklen_t size) noexcept : storage_{}, size_(size) {
    std::memcpy(&storage_, address, size);
}

namespace {

std::vector<Address> look_up(std::string_view host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* found = nullptr;
    const std::string name{host};
    const int error = getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0 && (flags & AI_NUMERICHOST) != 0) {
        throw std::runtime_error("'" + name + "' is no IP address");
    }
    if (error != 0) {
        throw std::runtime_error("cannot find the host '" + name + "': " + gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner{found, &freeaddrinfo};
    std::vector<Address> addresses;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        const Address address{one->ai_addr, one->ai_addrlen};
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
            addresses.push_back(address);
        }
    }
    return addresses;
}

}  // namespace

Address Address::resolve(std::string_view host, std::uint16_t port) { return look_up(host, port, 0).front(); }

Address Address::resolve_number(std::string_view number, std::uint16_t port) {
    return look_up(number, port, AI_NUMERICHOST).front();
}

std::vector<Address> Address::resolve_all(std::string_view host, std::uint16_t port) { return look_up(host, port, 0); }

Address Address::unix_socket(std::string_view path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) {
        throw std::runtime_error("the path of a unix socket has at most " +
                                 std::to_string(sizeof address.sun_path - 1) + " bytes: " + std::string{path});
    }
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (path.starts_with('@')) {
        address.sun_path[0] = '\0';
    } else {
        ++size;  // the zero at its end
    }
    return Address{reinterpret_cast<const sockaddr*>(&address), size};
}

std::uint16_t Address::port() const noexcept {
    if (family() == AF_UNIX) {
        return 0;
    }
    if (family() == AF_INET6) {
        return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
    }
    return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
}

void Address::set_port(std::uint16_t port) noexcept {
    if (family() == AF_INET6) {
        reinterpret_cast<sockaddr_in6&>(storage_).sin6_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in&>(storage_).sin_port = htons(port);
    }
}

std::string Address::unix_path() const {
    const std::string name = family() == AF_UNIX ? text().substr(5) : "";
    return name.starts_with('@') ? "" : name;
}

bool Address::is_any() const noexcept {
    if (family() == AF_INET6) {
        return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr) != 0;
    }
    return family() == AF_INET && reinterpret_cast<const sockaddr_in&>(storage_).sin_addr.s_addr == INADDR_ANY;
}

bool Address::is_loopback() const noexcept {
    if (family() == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr) != 0;
    }
    return family() == AF_INET &&
           ntohl(reinterpret_cast<const sockaddr_in&>(storage_).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

std::string_view Address::subnet_key() const noexcept {
    if (family() == AF_UNIX) {
        return "unix";
    }
    if (family() == AF_INET6) {
        const in6_addr& number = reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr;
        const std::string_view bytes{reinterpret_cast<const char*>(&number), sizeof number};
        return IN6_IS_ADDR_V4MAPPED(&number) ? bytes.substr(12) : bytes.substr(0, 8);
    }
    return {reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in&>(storage_).sin_addr), sizeof(in_addr)};
}

std::string Address::text() const {
    std::array<char, INET6_ADDRSTRLEN> number{};
    if (family() == AF_INET6) {
        inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr, number.data(), number.size());
        return "[" + std::string{number.data()} + "]:" + std::to_string(port());
    }
    if (family() == AF_INET) {
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage_).sin_addr, number.data(), number.size());
        return std::string{number.data()} + ":" + std::to_string(port());
    }
    if (family() == AF_UNIX) {
        const auto* name = reinterpret_cast<const sockaddr_un&>(storage_).sun_path;
        std::string_view path{name, size_ - std::min<std::size_t>(size_, offsetof(sockaddr_un, sun_path))};
        if (path.starts_with('\0') && path.size() > 1) {
            return "unix:@" + std::string{path.substr(1)};
        }
        return "unix:" + std::string{path.substr(0, path.find('\0'))};
    }
    return "unknown";
}

bool operator==(const Address& left, const Address& right) noexcept {
    return left.size_ == right.size_ && std::memcmp(&left.storage_, &right.storage_, left.size_) == 0;
}

}  // namespace c10k
