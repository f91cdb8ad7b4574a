#include "loop/sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace c10k {
namespace {

void set_option(int descriptor, int level, int option, int value) noexcept {
    ::setsockopt(descriptor, level, option, &value, sizeof value);
}

int open_tcp(int family, Blocking blocking) {
    const int type = SOCK_STREAM | SOCK_CLOEXEC | (blocking == Blocking::kNo ? SOCK_NONBLOCK : 0);
    const int descriptor = ::socket(family, type, 0);
    if (descriptor < 0) {
        throw_errno("socket");
    }
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);  // batching is ours
    set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kMaxUnsentBytes);
    return descriptor;
}

// An IPv6 socket is for IPv6 only, whatever the system's default: a listener for everything has one of each.
void keep_to_family(int descriptor, const Address& address) noexcept {
    if (address.family() == AF_INET6) {
        set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
}

// A killed program that had a ring keeps its ports for some ten milliseconds, until the kernel has taken the ring
// apart. Its successor waits that long.
bool bind_when_free(int descriptor, const Address& address) {
    constexpr std::chrono::milliseconds kMost{200};
    constexpr std::chrono::milliseconds kPause{2};
    const std::int64_t until = steady_milliseconds() + kMost.count();
    while (::bind(descriptor, address.get(), address.size()) < 0) {
        if (errno != EADDRINUSE || steady_milliseconds() > until) {
            return false;
        }
        std::this_thread::sleep_for(kPause);
    }
    return true;
}

[[noreturn]] void close_and_throw(int descriptor, const char* what) {
    const int error = errno;
    ::close(descriptor);
    errno = error;
    throw_errno(what);
}

}  // namespace

void throw_errno(const char* what) { throw std::system_error(errno, std::system_category(), what); }

int open_listener(const Address& address, int backlog, PortUse use, Blocking blocking) {
    const int descriptor = open_tcp(address.family(), blocking);
    keep_to_family(descriptor, address);
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (use == PortUse::kShared) {
        set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (!bind_when_free(descriptor, address) || ::listen(descriptor, backlog) < 0) {
        close_and_throw(descriptor, "listen");
    }
    return descriptor;
}

void prepare_inherited(int descriptor, Blocking blocking) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    const int wanted = blocking == Blocking::kNo ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (flags < 0 || ::fcntl(descriptor, F_SETFL, wanted) < 0 || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) {
        throw_errno("inherited socket");
    }
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
}

void limit_unsent(int listener, int most_bytes) noexcept {
    set_option(listener, IPPROTO_TCP, TCP_NOTSENT_LOWAT, most_bytes);
}

void limit_silence(int listener, std::chrono::seconds most) noexcept {
    if (most.count() == 0) {
        return;
    }
    const int seconds = static_cast<int>(most.count());
    set_option(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(listener, IPPROTO_TCP, TCP_KEEPIDLE, std::max(seconds / 2, 1));
    set_option(listener, IPPROTO_TCP, TCP_KEEPINTVL, std::max(seconds / 4, 1));
    // Also for bytes that were sent and never acknowledged: then the kernel does not ask whether the peer is there.
    set_option(listener, IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000);
}

PortReservation::PortReservation(const Address& address) {
    // Only a socket that does not share finds another listener on the port; ours shares from then on.
    const int alone = open_listener(address, 1, PortUse::kAlone, Blocking::kNo);
    const Address found = local_address_of(alone);
    ::close(alone);
    descriptor_ = open_tcp(address.family(), Blocking::kNo);
    keep_to_family(descriptor_, address);
    set_option(descriptor_, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(descriptor_, SOL_SOCKET, SO_REUSEPORT, 1);
    if (::bind(descriptor_, found.get(), found.size()) < 0) {
        close_and_throw(descriptor_, "bind");
    }
}

PortReservation::~PortReservation() { ::close(descriptor_); }

Address PortReservation::address() const noexcept { return local_address_of(descriptor_); }

int open_dialling(const Address& to, const Address& from, Blocking blocking) {
    const int descriptor = open_tcp(to.family(), blocking);
    if (from.family() != AF_UNSPEC) {
        set_option(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        if (::bind(descriptor, from.get(), from.size()) < 0) {
            close_and_throw(descriptor, "bind");
        }
    }
    return descriptor;
}

Address local_address_of(int descriptor) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size);
    return Address{reinterpret_cast<const sockaddr*>(&storage), size};
}

Address local_address_of_accepted(int descriptor, const Address& listener) noexcept {
    return listener.is_any() ? local_address_of(descriptor) : listener;
}

Address peer_address_of(int descriptor) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) < 0) {
        return {};  // the peer has gone already
    }
    return Address{reinterpret_cast<const sockaddr*>(&storage), size};
}

bool out_of_resources(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

std::size_t open_file_limit() noexcept {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

std::size_t socket_file_limit() noexcept {
    constexpr std::size_t kOwnFiles = 64;  // standard streams, epoll, listeners, files being served
    const std::size_t files = open_file_limit();
    return files - std::min(files / 4, kOwnFiles);
}

bool sockets_have_all(int open) noexcept {
    const int next = ::fcntl(open, F_DUPFD_CLOEXEC, 0);  // the kernel gives out the lowest number that is free
    if (next < 0) {
        return true;
    }
    ::close(next);
    return static_cast<std::size_t>(next) >= socket_file_limit();
}

std::int64_t steady_microseconds() noexcept {
    using std::chrono::steady_clock;
    return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace c10k
