#include "manage/control.hpp"

#include "base/digest.hpp"
#include "base/random.hpp"
#include "loop/sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

constexpr std::string_view kDone = "done";
constexpr int kBacklog = 64;
constexpr std::size_t kRandomBytes = 16;
// How often, and how long, a restart is asked for while others keep the socket busy.
constexpr int kTries = 500;
constexpr std::chrono::milliseconds kPause{10};

std::string to_hex(std::span<const char> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        text += kDigits[static_cast<unsigned char>(c) >> 4];
        text += kDigits[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

// The beginning of the names of this user's sockets for this address; nobody can guess the rest.
std::string prefix_of(const Address& served) {
    const std::string prefix = "c10k/" + std::to_string(::geteuid()) + '/';
    if (served.family() != AF_UNIX) {
        return prefix + served.text() + '/';
    }
    // Paths may be longer than names, and hold spaces; and they may be written from any folder.
    const std::string path = served.unix_path();
    const std::string name = path.empty() ? served.text() : std::filesystem::absolute(path).lexically_normal().string();
    return prefix + "unix-" + to_hex(sha1(name)) + '/';
}

std::string random_hex() {
    std::array<char, kRandomBytes> bytes;
    fill_random(bytes);
    return to_hex(bytes);
}

struct Name {
    explicit Name(std::string_view text) {
        address.sun_family = AF_UNIX;
        // The first byte stays zero: an abstract name.
        const std::size_t length = text.copy(address.sun_path + 1, sizeof address.sun_path - 1);
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
    }

    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&address); }

    sockaddr_un address{};
    socklen_t size = 0;
};

// All existing names with that prefix, whoever owns them (proc_net(5)).
std::set<std::string> names_with(const std::string& prefix) {
    std::set<std::string> names;
    std::ifstream table{"/proc/self/net/unix"};
    const std::string start = " @" + prefix;
    for (std::string line; std::getline(table, line);) {
        if (const std::size_t at = line.find(start); at != std::string::npos) {
            names.insert(line.substr(at + 2));
        }
    }
    return names;
}

std::set<std::string> names_of(const std::vector<Address>& served) {
    std::set<std::string> names;
    for (const Address& address : served) {
        names.merge(names_with(prefix_of(address)));
    }
    return names;
}

// Anybody can take a name, or connect to it.
bool is_of_us_or_root(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

enum class Attempt { kConnected, kBusy, kNobody };

Attempt attempt(int socket, const Name& name) {
    if (::connect(socket, name.get(), name.size) == 0) {
        return is_of_us_or_root(socket) ? Attempt::kConnected : Attempt::kNobody;
    }
    return errno == EAGAIN ? Attempt::kBusy : Attempt::kNobody;
}

// A connection to the `manage serve` that has one of these addresses, even if other users have similar names.
int connect_to(const std::vector<Address>& served) {
    bool is_busy = true;
    for (int i = 0; is_busy && i < kTries; ++i) {
        is_busy = false;
        for (const std::string& name : names_of(served)) {
            const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            if (socket < 0) {
                throw_errno("control socket");
            }
            const Attempt made = attempt(socket, Name{name});
            if (made == Attempt::kConnected) {
                ::fcntl(socket, F_SETFL, 0);  // from here on it waits
                return socket;
            }
            ::close(socket);
            is_busy = is_busy || made == Attempt::kBusy;
        }
        if (is_busy) {
            std::this_thread::sleep_for(kPause);
        }
    }
    throw std::runtime_error("no `manage serve` of this user has " + served.front().text() +
                             "; say the address that it was given, as in `manage restart 127.0.0.1:8000`");
}

}  // namespace

ControlSocket::ControlSocket(const Address& served)
    : listener_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const Name name{prefix_of(served) + random_hex()};
    if (listener_ < 0) {
        throw_errno("control socket");
    }
    if (::bind(listener_, name.get(), name.size) < 0 || ::listen(listener_, kBacklog) < 0) {
        const int error = errno;
        ::close(listener_);
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
    for (int i = 0; i < kBacklog; ++i) {  // no more at once: one that asks again and again must not starve the others
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) {
            break;
        }
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
        ::send(asking, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);  // the other end may have gone
        ::close(asking);
    }
}

std::optional<std::string> ask_for_restart(const std::vector<Address>& served) {
    const int socket = connect_to(served);
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
