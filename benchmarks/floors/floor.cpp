#include "floors/floor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>

namespace benchmarks {
namespace {

constexpr int kBacklog = 4096;

std::string repeat(const std::string& text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

}  // namespace

Floor::Floor(const Arguments& arguments)
    : port_(arguments.port()), message_bytes_(client_frame(arguments.number("payload", 16)).size()),
      answers_(repeat(server_frame(arguments.number("payload", 16)), arguments.number("answers", 1))),
      to_all_(arguments.text("to", "sender") == "all") {}

int Floor::listen() const {
    raise_file_limit();
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // accepted sockets inherit it
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 || ::listen(fd, kBacklog) < 0) {
        fail_errno("listen");
    }
    return fd;
}

void Floor::add(int fd) {
    if (static_cast<std::size_t>(fd) >= connections_.size()) {
        connections_.resize(static_cast<std::size_t>(fd) + 1);
    }
    at(fd).state = Connection::State::kNew;
}

void Floor::receive(int fd, std::string_view bytes) {
    Connection& connection = at(fd);
    const std::size_t received = connection.partial + bytes.size();
    const std::size_t messages = received / message_bytes_;
    connection.partial = static_cast<std::uint32_t>(received % message_bytes_);
    if (connection.partial > 0 && connection.partial <= bytes.size() &&
        bytes[bytes.size() - connection.partial] == kClose) {
        connection.state = Connection::State::kClosing;
    }
    if (messages == 0) {
        return;
    }
    if (to_all_) {
        for_all_ += messages;
    } else {
        owe(fd, messages * answers_.period());
    }
}

void Floor::owe(int fd, std::size_t bytes) {
    Connection& connection = at(fd);
    if (connection.owed.bytes == 0) {
        owing_.push_back(fd);
    }
    connection.owed.bytes += bytes;
}

}  // namespace benchmarks
