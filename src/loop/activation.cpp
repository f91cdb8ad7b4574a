#include "loop/activation.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace c10k {
namespace {

constexpr int kFirstInherited = 3;
constexpr int kMostInherited = 1024;

int number_in(const char* variable) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::atoi(text) : 0;
}

}  // namespace

std::vector<int> take_inherited_listeners() {
    std::vector<int> listeners;
    if (number_in("LISTEN_PID") == ::getpid()) {
        const int count = number_in("LISTEN_FDS");
        for (int i = 0; i < count && i < kMostInherited; ++i) {
            listeners.push_back(kFirstInherited + i);
        }
    }
    for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
        ::unsetenv(variable);  // they are not for our own children
    }
    return listeners;
}

void notify_ready() {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr) {
        return;
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) {
        return;
    }
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';  // an abstract name
    }
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket >= 0) {
        constexpr std::string_view kReady = "READY=1";
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
        ::sendto(socket, kReady.data(), kReady.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
        ::close(socket);
    }
}

}  // namespace c10k
