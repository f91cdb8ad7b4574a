#include "loop/activation.hpp"

#include "base/text.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace c10k {
namespace {

constexpr int kFirstInherited = 3;
constexpr int kMaxInherited = 1024;
constexpr std::string_view kReady = "READY=1";

std::string_view variable(const char* name) {
    const char* text = std::getenv(name);
    return text != nullptr ? text : std::string_view{};
}

// Empty if `descriptor` is not a socket.
std::optional<int> option_of(int descriptor, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? std::optional{value} : std::nullopt;
}

void keep_from_children(int descriptor) { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

void require_listener(int descriptor) {
    const auto fail = [descriptor](std::string_view what) {
        throw std::runtime_error("LISTEN_FDS: descriptor " + std::to_string(descriptor) + ' ' + std::string{what});
    };
    const auto family = option_of(descriptor, SO_DOMAIN);
    if (!family) {
        fail("is no socket");
    }
    const bool is_ip = *family == AF_INET || *family == AF_INET6;
    const int protocol = option_of(descriptor, SO_PROTOCOL).value_or(0);
    const bool is_tcp = is_ip && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
    if (option_of(descriptor, SO_TYPE) != SOCK_STREAM || (!is_tcp && *family != AF_UNIX)) {
        fail(
            "is neither a TCP socket nor a unix socket; a systemd unit has ListenStream= with an address and a port, "
            "or a "
            "path");
    }
    if (option_of(descriptor, SO_ACCEPTCONN) != 1) {
        fail("does not listen; a systemd unit has Accept=no");
    }
}

std::vector<int> find_inherited_listeners() {
    std::vector<int> listeners;
    if (to_number<int>(variable("LISTEN_PID")) != ::getpid()) {
        return listeners;
    }
    const std::string_view text = variable("LISTEN_FDS");
    const auto count = to_number<int>(text);
    if (!count || *count > kMaxInherited) {
        throw std::runtime_error("LISTEN_FDS is '" + std::string{text} + "': write how many descriptors there are, " +
                                 std::to_string(kMaxInherited) + " at most");
    }
    for (int descriptor = kFirstInherited; descriptor < kFirstInherited + *count; ++descriptor) {
        require_listener(descriptor);
        keep_from_children(descriptor);
        listeners.push_back(descriptor);
    }
    return listeners;
}

// Sends to the socket of this name, an abstract one if it begins with '@'.
void notify(std::string_view name) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.empty() || name.size() >= sizeof address.sun_path) {
        return;
    }
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') {
        address.sun_path[0] = '\0';
    }
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket >= 0) {
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        ::sendto(socket, kReady.data(), kReady.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
        ::close(socket);
    }
}

}  // namespace

std::vector<int> take_inherited_listeners() {
    std::vector<int> listeners = find_inherited_listeners();
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
        ::unsetenv(name);  // these sockets are not for our own children
    }
    return listeners;
}

ReadyNotice::ReadyNotice() {
    const auto descriptor = to_number<int>(variable(kVariable));
    // The variable may come from elsewhere: leave any other descriptor of that number alone.
    if (descriptor && option_of(*descriptor, SO_DOMAIN) == AF_UNIX && option_of(*descriptor, SO_TYPE) == SOCK_DGRAM) {
        socket_ = *descriptor;
        keep_from_children(socket_);
    }
    ::unsetenv(kVariable);
}

ReadyNotice::~ReadyNotice() {
    if (socket_ >= 0) {
        ::close(socket_);
    }
}

void ReadyNotice::send() const noexcept {
    if (socket_ >= 0) {
        ::send(socket_, kReady.data(), kReady.size(), MSG_NOSIGNAL);
    }
    notify(variable("NOTIFY_SOCKET"));
}

}  // namespace c10k
