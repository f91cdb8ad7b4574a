#include "bytes.hpp"
#include "http2.hpp"
#include "load/modes.hpp"
#include "measurement.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace benchmarks {
namespace {

constexpr std::size_t kReceiveBytes = 512 * 1024;
constexpr std::size_t kMostKept = 64 * 1024;  // of a frame that has not come whole
constexpr int kEventsAtOnce = 1024;
constexpr std::size_t kOpeningAtOnce = 100;  // streams of a connection that wait for their answers

struct Stream {
    Clock::time_point said;
    std::int64_t window = 0;  // bytes that the server still takes
};

struct Trunk {
    int fd = -1;
    bool is_ready = false;  // the server's SETTINGS have come
    bool is_blocked = false;
    std::size_t opened = 0;
    std::size_t answered = 0;
    std::uint32_t first_window = http2::kFirstWindow;  // of each stream
    std::int64_t window = http2::kFirstWindow;
    std::uint32_t consumed = 0;  // bytes of DATA since the last WINDOW_UPDATE
    std::vector<Stream> streams;
    std::string partial;
    std::string out;
};

// WebSockets that are streams of few connections. Each says its message, and says it again for each answer.
class Streams {
public:
    explicit Streams(const Arguments& arguments)
        : measurement_(arguments), path_(arguments.text("path", "/echo/")),
          message_(client_frame(arguments.number("payload", 16))),
          answer_(server_frame(arguments.number("payload", 16))), trunks_(arguments.number("connections", 1)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(new char[kMostKept + kReceiveBytes]) {
        raise_file_limit();
        const std::size_t websockets = arguments.number("websockets", trunks_.size());
        for (std::size_t i = 0; i < trunks_.size(); ++i) {
            trunks_[i].streams.resize((websockets + trunks_.size() - 1 - i) / trunks_.size());
            missing_ += trunks_[i].streams.size();
            connect(trunks_[i], i, arguments.port());
        }
    }

    void run() {
        while (missing_ > 0) {
            turn();
        }
        measurement_.start();
        now_ = Clock::now();
        for (Trunk& trunk : trunks_) {
            for (std::size_t i = 0; i < trunk.streams.size(); ++i) {
                say(trunk, i);
            }
            flush(trunk);
        }
        while (measurement_.is_running()) {
            turn();
        }
        measurement_.print();
    }

private:
    void connect(Trunk& trunk, std::size_t index, std::uint16_t port) {
        trunk.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(trunk.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
            fail_errno("connect");
        }
        const int one = 1;
        ::setsockopt(trunk.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(EPOLL_CTL_ADD, trunk, EPOLLIN, index);
        trunk.out += http2::kPreface;
        http2::add_client_settings(trunk.out);
        flush(trunk);
    }

    void watch(int operation, const Trunk& trunk, std::uint32_t interest, std::size_t index) const {
        epoll_event event{};
        event.events = interest;
        event.data.u64 = index;
        if (::epoll_ctl(epoll_, operation, trunk.fd, &event) < 0) {
            fail_errno("epoll_ctl");
        }
    }

    void turn() {
        std::array<epoll_event, kEventsAtOnce> events;
        const int count = ::epoll_wait(epoll_, events.data(), kEventsAtOnce, 100);
        now_ = Clock::now();
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            Trunk& trunk = trunks_[event.data.u64];
            if ((event.events & ~EPOLLOUT) != 0) {
                receive(trunk);
            }
            flush(trunk);
        }
    }

    void receive(Trunk& trunk) {
        char* const begin = buffer_.get() + kMostKept - trunk.partial.size();
        const ssize_t received = ::recv(trunk.fd, buffer_.get() + kMostKept, kReceiveBytes, MSG_DONTWAIT);
        if (received <= 0) {
            fail("the server has closed a connection");
        }
        std::memcpy(begin, trunk.partial.data(), trunk.partial.size());
        std::string_view bytes{begin, trunk.partial.size() + static_cast<std::size_t>(received)};
        for (http2::Frame frame{}; http2::take(bytes, frame);) {
            handle(trunk, frame);
        }
        if (bytes.size() > kMostKept) {
            fail("a frame is larger than SETTINGS allow");
        }
        trunk.partial.assign(bytes);
    }

    void handle(Trunk& trunk, const http2::Frame& frame) {
        using http2::Type;
        switch (frame.type) {
            case Type::kData: hear(trunk, frame); break;
            case Type::kHeaders: start(trunk, frame); break;
            case Type::kSettings: settle(trunk, frame); break;
            case Type::kWindowUpdate:
                (frame.stream == 0 ? trunk.window : stream_of(trunk, frame).window) += http2::read_32(frame.payload);
                break;
            case Type::kPing:
                if ((frame.flags & http2::kAck) == 0) {
                    http2::add(trunk.out, Type::kPing, http2::kAck, 0, frame.payload);
                }
                break;
            case Type::kReset: fail("the server has reset a stream"); break;
            case Type::kGoaway: fail("the server has sent GOAWAY"); break;
        }
    }

    static Stream& stream_of(Trunk& trunk, const http2::Frame& frame) {
        const std::size_t index = frame.stream / 2;
        if (frame.stream % 2 == 0 || index >= trunk.streams.size()) {
            fail("a frame has a stream that nobody has opened");
        }
        return trunk.streams[index];
    }

    void settle(Trunk& trunk, const http2::Frame& frame) {
        if ((frame.flags & http2::kAck) != 0) {
            return;
        }
        bool allows_websockets = trunk.is_ready;
        for (std::string_view rest = frame.payload; rest.size() >= 6; rest.remove_prefix(6)) {
            const auto id = static_cast<std::uint16_t>(http2::read_32(rest) >> 16);
            const std::uint32_t value = http2::read_32(rest.substr(2));
            allows_websockets = allows_websockets || (id == http2::kEnableConnect && value == 1);
            if (id == http2::kMaxStreams && value < trunk.streams.size()) {
                fail("the server takes only " + std::to_string(value) + " streams a connection");
            }
            if (id == http2::kInitialWindow) {
                for (Stream& stream : trunk.streams) {
                    stream.window += std::int64_t{value} - trunk.first_window;
                }
                trunk.first_window = value;
            }
        }
        if (!allows_websockets) {
            fail("the server takes no WebSockets over HTTP/2");
        }
        http2::add(trunk.out, http2::Type::kSettings, http2::kAck, 0, {});
        trunk.is_ready = true;
        open_some(trunk);
    }

    void open_some(Trunk& trunk) const {
        while (trunk.opened < trunk.streams.size() && trunk.opened < trunk.answered + kOpeningAtOnce) {
            trunk.streams[trunk.opened].window = trunk.first_window;
            http2::add_connect(trunk.out, static_cast<std::uint32_t>(2 * trunk.opened++ + 1), path_);
        }
    }

    void start(Trunk& trunk, const http2::Frame& frame) {
        (void)stream_of(trunk, frame);
        if (frame.payload.empty() || frame.payload.front() != http2::kStatus200) {
            fail("the server has refused a WebSocket");
        }
        ++trunk.answered;
        --missing_;
        open_some(trunk);
    }

    void hear(Trunk& trunk, const http2::Frame& frame) {
        Stream& stream = stream_of(trunk, frame);
        if (frame.payload != answer_) {
            fail("a DATA frame is not the answer expected");
        }
        trunk.consumed += static_cast<std::uint32_t>(answer_.size());
        if (trunk.consumed >= http2::kRenewal) {
            http2::add_window_update(trunk.out, 0, std::exchange(trunk.consumed, 0));
        }
        measurement_.count(1);
        measurement_.add_latency(now_ - stream.said);
        say(trunk, frame.stream / 2);
    }

    void say(Trunk& trunk, std::size_t index) const {
        Stream& stream = trunk.streams[index];
        const auto bytes = static_cast<std::int64_t>(message_.size());
        stream.window -= bytes;
        trunk.window -= bytes;
        if (stream.window < 0 || trunk.window < 0) {
            fail("the server's windows are too small for this benchmark");
        }
        stream.said = now_;
        http2::add(trunk.out, http2::Type::kData, 0, static_cast<std::uint32_t>(2 * index + 1), message_);
    }

    void flush(Trunk& trunk) const {
        if (const bool is_blocked = !http2::send_all(trunk.fd, trunk.out); is_blocked != trunk.is_blocked) {
            trunk.is_blocked = is_blocked;
            const auto index = static_cast<std::size_t>(&trunk - trunks_.data());
            watch(EPOLL_CTL_MOD, trunk, is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, index);
        }
    }

    Measurement measurement_;
    std::string path_;
    std::string message_;
    std::string answer_;
    std::vector<Trunk> trunks_;
    std::size_t missing_ = 0;  // WebSockets that are not open yet
    Clock::time_point now_;
    int epoll_;
    std::unique_ptr<char[]> buffer_;
};

}  // namespace

void streams(const Arguments& arguments) { Streams{arguments}.run(); }

}  // namespace benchmarks
