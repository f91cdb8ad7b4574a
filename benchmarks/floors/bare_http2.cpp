// The floor of HTTP/2 on epoll: WebSockets are streams (RFC 8441), and each connection has one recv and one send a
// turn. It reads frames and unmasks messages, but knows no streams: it takes each for a WebSocket, and a DATA frame for
// a message.
//
//     bare_http2 --port 8000 --payload 16

#include "floors/floor.hpp"
#include "http2.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>

namespace benchmarks {
namespace {

constexpr std::size_t kReceiveBytes = 512 * 1024;
constexpr std::size_t kMostKept = 64 * 1024;  // of a frame that has not come whole
constexpr int kEventsAtOnce = 1024;
constexpr std::size_t kMask = 4;

struct Trunk {
    bool is_greeted = false;
    bool is_blocked = false;
    std::uint32_t consumed = 0;  // bytes of DATA since the last WINDOW_UPDATE
    std::string partial;
    std::string out;
};

class BareHttp2 {
public:
    explicit BareHttp2(const Arguments& arguments)
        : floor_(arguments), client_frame_(client_frame(arguments.number("payload", 16))),
          server_frame_(server_frame(arguments.number("payload", 16))),
          masked_at_(client_frame_.size() - arguments.number("payload", 16)), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          listener_(floor_.listen()), buffer_(new char[kMostKept + kReceiveBytes]) {
        watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, kEventsAtOnce> events;
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), kEventsAtOnce, -1);
            for (int i = 0; i < count; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                if (event.data.fd == listener_) {
                    accept_all();
                } else if ((event.events & ~EPOLLOUT) == 0 || receive(event.data.fd)) {
                    flush(event.data.fd);
                }
            }
        }
    }

private:
    void watch(int operation, int fd, std::uint32_t interest) const {
        epoll_event event{};
        event.events = interest;
        event.data.fd = fd;
        ::epoll_ctl(epoll_, operation, fd, &event);
    }

    void accept_all() {
        for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
            http2::add_server_settings(trunks_[fd].out);
            watch(EPOLL_CTL_ADD, fd, EPOLLIN);
        }
        if (errno != EAGAIN) {
            fail_errno("accept");
        }
    }

    // Returns whether the connection is still there.
    bool receive(int fd) {
        Trunk& trunk = trunks_[fd];
        char* const begin = buffer_.get() + kMostKept - trunk.partial.size();
        const ssize_t received = ::recv(fd, buffer_.get() + kMostKept, kReceiveBytes, 0);
        if (received <= 0) {
            trunks_.erase(fd);
            ::close(fd);
            return false;
        }
        std::memcpy(begin, trunk.partial.data(), trunk.partial.size());
        std::string_view bytes{begin, trunk.partial.size() + static_cast<std::size_t>(received)};
        if (!trunk.is_greeted && bytes.size() >= http2::kPreface.size()) {
            bytes.remove_prefix(http2::kPreface.size());
            trunk.is_greeted = true;
        }
        for (http2::Frame frame{}; trunk.is_greeted && http2::take(bytes, frame);) {
            handle(trunk, frame);
        }
        if (bytes.size() > kMostKept) {
            fail("a frame is larger than SETTINGS allow");
        }
        trunk.partial.assign(bytes);
        return true;
    }

    void handle(Trunk& trunk, const http2::Frame& frame) const {
        using http2::Type;
        if (frame.type == Type::kData) {
            echo(trunk, frame);
        } else if (frame.type == Type::kHeaders) {
            http2::add(trunk.out, Type::kHeaders, http2::kEndHeaders, frame.stream, {&http2::kStatus200, 1});
        } else if (frame.type == Type::kSettings && (frame.flags & http2::kAck) == 0) {
            http2::add(trunk.out, Type::kSettings, http2::kAck, 0, {});
        }
    }

    void echo(Trunk& trunk, const http2::Frame& frame) const {
        const std::string_view message = frame.payload;
        if (message.size() != client_frame_.size()) {
            fail("a DATA frame is not one message of the expected size");
        }
        http2::add(trunk.out, http2::Type::kData, 0, frame.stream, server_frame_);
        const std::size_t payload = message.size() - masked_at_;
        char* const to = trunk.out.data() + trunk.out.size() - payload;
        const char* const mask = message.data() + masked_at_ - kMask;
        for (std::size_t i = 0; i < payload; ++i) {
            to[i] = static_cast<char>(message[masked_at_ + i] ^ mask[i % kMask]);
        }
        trunk.consumed += static_cast<std::uint32_t>(message.size());
        if (trunk.consumed >= http2::kRenewal) {
            http2::add_window_update(trunk.out, 0, std::exchange(trunk.consumed, 0));
        }
    }

    void flush(int fd) {
        Trunk& trunk = trunks_[fd];
        if (const bool is_blocked = !http2::send_all(fd, trunk.out); is_blocked != trunk.is_blocked) {
            trunk.is_blocked = is_blocked;
            watch(EPOLL_CTL_MOD, fd, is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
        }
    }

    Floor floor_;
    std::string client_frame_;
    std::string server_frame_;
    std::size_t masked_at_;
    int epoll_;
    int listener_;
    std::unique_ptr<char[]> buffer_;
    std::unordered_map<int, Trunk> trunks_;
};

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) { benchmarks::BareHttp2{benchmarks::Arguments{argc, argv}}.run(); }
