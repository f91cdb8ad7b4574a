#include "load/crowd.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace benchmarks {
namespace {

constexpr std::size_t kSourceAddresses = 100;  // 127.0.0.1 and the next
// More at once would only wait in the server's backlog.
constexpr std::size_t kConnectingAtOnce = 256;

sockaddr_in loopback(std::size_t number, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<in_addr_t>(number));
    address.sin_port = htons(port);
    return address;
}

}  // namespace

int Target::dial(std::size_t number) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fail_errno("socket");
    }
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    const sockaddr_in source = loopback(number % kSourceAddresses, 0);
    const sockaddr_in server = loopback(0, port);
    // On loopback nothing of this waits for the server, unless its backlog is full.
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) < 0 ||
        ::connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) < 0 ||
        ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0 || ::fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        fail_errno("cannot connect");
    }
    return fd;
}

void check_upgraded(std::string_view response) {
    if (!response.starts_with("HTTP/1.1 101 ") || !response.ends_with("\r\n\r\n")) {
        fail("no upgrade, but: " + std::string{response});
    }
}

Crowd::Crowd(const Arguments& arguments)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), message_(client_frame(arguments.number("payload", 16))),
      members_(arguments.number("connections", 1)), buffer_(new char[kReceiveBytes]) {
    raise_file_limit();
    const Target target{arguments};
    std::size_t dialled = 0;
    std::size_t open = 0;
    while (open < members_.size()) {
        while (dialled < std::min(members_.size(), open + kConnectingAtOnce)) {
            members_[dialled].fd = target.dial(dialled);
            watch(EPOLL_CTL_ADD, dialled, EPOLLIN);
            ++dialled;
        }
        turn([&](std::size_t member, std::string_view bytes) {
            if (const std::string_view response = answer_pings(member, bytes); !response.empty()) {
                check_upgraded(response);
                ++open;
            }
        });
    }
}

void Crowd::say(std::size_t member, std::size_t messages) {
    members_[member].owed.bytes += messages * message_.period();
    if (!members_[member].blocked) {
        send(member);
    }
}

std::string_view Crowd::receive(std::size_t member) {
    const ssize_t received = ::recv(members_[member].fd, buffer_.get(), kReceiveBytes, 0);
    if (received <= 0) {
        received == 0 ? fail("the server has closed a connection") : fail_errno("recv");
    }
    return {buffer_.get(), static_cast<std::size_t>(received)};
}

std::string_view Crowd::answer_pings(std::size_t member, std::string_view frames) const {
    while (frames.starts_with(kPing)) {
        // RFC 6455, 5.5: at most 125 bytes, so their number stands in the second byte.
        const std::size_t payload_bytes = frames.size() < 2 ? 0 : static_cast<unsigned char>(frames[1]);
        if (frames.size() < 2 + payload_bytes) {
            fail("a part of a ping");
        }
        const std::string pong = client_pong(frames.substr(2, payload_bytes));
        (void)::send(members_[member].fd, pong.data(), pong.size(), MSG_NOSIGNAL);
        frames.remove_prefix(2 + payload_bytes);
    }
    return frames;
}

void Crowd::send(std::size_t member) {
    Member& sender = members_[member];
    message_.send(sender.fd, sender.owed);
    if (const bool blocked = sender.owed.bytes > 0; blocked != sender.blocked) {
        sender.blocked = blocked;
        watch(EPOLL_CTL_MOD, member, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

void Crowd::watch(int operation, std::size_t member, std::uint32_t interest) const {
    epoll_event event{};
    event.events = interest;
    event.data.u64 = member;
    ::epoll_ctl(epoll_, operation, members_[member].fd, &event);
}

}  // namespace benchmarks
