#include "manage/control.hpp"

#include "loop/sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

constexpr std::string_view kDone = "done";

struct Name {
    sockaddr_un address{};
    socklen_t size = 0;

    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&address); }
};

Name name_of(const Address& served) {
    const std::string text = "c10k/" + std::to_string(::geteuid()) + '/' + served.text();
    Name name;
    name.address.sun_family = AF_UNIX;
    // The first byte stays zero: an abstract name.
    const std::size_t length = text.copy(name.address.sun_path + 1, sizeof name.address.sun_path - 1);
    name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
    return name;
}

// Anybody can take a name, or connect to it.
bool is_of_us_or_root(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace

ControlSocket::ControlSocket(const Address& served)
    : listener_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    constexpr int kBacklog = 8;
    const Name name = name_of(served);
    if (listener_ < 0) {
        throw_errno("control socket");
    }
    if (::bind(listener_, name.get(), name.size) < 0 || ::listen(listener_, kBacklog) < 0) {
        const int error = errno;
        ::close(listener_);
        if (error == EADDRINUSE) {
            throw std::runtime_error("another `manage serve` has " + served.text() +
                                     " already; `manage restart` starts its program anew");
        }
        errno = error;
        throw_errno("control socket");
    }
}

ControlSocket::~ControlSocket() {
    for (const int asking : asking_) {
        ::close(asking);
    }
    ::close(listener_);
}

bool ControlSocket::is_asked() {
    bool asked = false;
    for (int socket = 0; (socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        if (is_of_us_or_root(socket)) {
            asking_.push_back(socket);
            asked = true;
        } else {
            ::close(socket);
        }
    }
    return asked;
}

void ControlSocket::answer(const std::string& problem) {
    const std::string_view text = problem.empty() ? kDone : std::string_view{problem};
    for (const int asking : std::exchange(asking_, {})) {
        ::send(asking, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);  // who has gone need not know
        ::close(asking);
    }
}

std::optional<std::string> ask_for_restart(const Address& served) {
    const Name name = name_of(served);
    const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (socket < 0) {
        throw_errno("control socket");
    }
    if (::connect(socket, name.get(), name.size) < 0 || !is_of_us_or_root(socket)) {
        ::close(socket);
        throw std::runtime_error("no `manage serve` of this user has " + served.text() +
                                 "; say the address that it was given, as in `manage restart 127.0.0.1:8000`");
    }
    std::array<char, 4096> text;
    const ssize_t size = ::recv(socket, text.data(), text.size(), 0);
    ::close(socket);
    const std::string_view answer{text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    if (answer == kDone) {
        return std::nullopt;
    }
    return answer.empty() ? "the server has ended meanwhile" : std::string{answer};
}

}  // namespace c10k
