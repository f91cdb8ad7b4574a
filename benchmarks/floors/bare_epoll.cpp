// The floor on epoll: one recv and one send per connection and turn, and no protocol.
//
//     bare_epoll --port 8000 --payload 16 [--answers 8] [--to all]

#include "floors/floor.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace benchmarks {
namespace {

constexpr std::size_t kReceiveBytes = 256 * 1024;
constexpr int kEventsAtOnce = 1024;

class BareEpoll {
public:
    explicit BareEpoll(const Arguments& arguments)
        : floor_(arguments), epoll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(floor_.listen()),
          buffer_(new char[kReceiveBytes]) {
        watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, kEventsAtOnce> events;
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), kEventsAtOnce, -1);
            for (int i = 0; i < count; ++i) {
                handle(events[static_cast<std::size_t>(i)]);
            }
            floor_.flush_all([this](int fd) { flush(fd); });
        }
    }

private:
    void handle(const epoll_event& event) {
        const int fd = event.data.fd;
        if (fd == listener_) {
            accept_all();
            return;
        }
        if ((event.events & EPOLLOUT) != 0) {
            flush(fd);
        }
        if ((event.events & ~EPOLLOUT) != 0) {
            receive(fd);
        }
    }

    void watch(int operation, int fd, std::uint32_t interest) const {
        epoll_event event{};
        event.events = interest;
        event.data.fd = fd;
        ::epoll_ctl(epoll_, operation, fd, &event);
    }

    void accept_all() {
        for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
            floor_.add(fd);
            watch(EPOLL_CTL_ADD, fd, EPOLLIN);
        }
        if (errno != EAGAIN) {
            fail_errno("accept");
        }
    }

    void receive(int fd) {
        const ssize_t received = ::recv(fd, buffer_.get(), kReceiveBytes, 0);
        if (received <= 0) {
            floor_.remove(fd);
            ::close(fd);
            return;
        }
        const std::string_view bytes{buffer_.get(), static_cast<std::size_t>(received)};
        Connection& connection = floor_.at(fd);
        if (connection.state == Connection::State::kNew) {
            say(fd, upgrade_response(bytes));
            connection.state = Connection::State::kOpen;
            return;
        }
        floor_.receive(fd, bytes);
        if (connection.state == Connection::State::kClosing) {
            say(fd, server_close());
            ::shutdown(fd, SHUT_WR);
        }
    }

    static void say(int fd, std::string_view bytes) { (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

    void flush(int fd) {
        Connection& connection = floor_.at(fd);
        floor_.answers().send(fd, connection.owed);
        if (const bool is_blocked = connection.owed.bytes > 0; is_blocked != connection.is_sending) {
            connection.is_sending = is_blocked;
            watch(EPOLL_CTL_MOD, fd, is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
        }
    }

    Floor floor_;
    int epoll_;
    int listener_;
    std::unique_ptr<char[]> buffer_;
};

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) { benchmarks::BareEpoll{benchmarks::Arguments{argc, argv}}.run(); }
