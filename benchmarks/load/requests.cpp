#include "bytes.hpp"
#include "load/crowd.hpp"
#include "load/modes.hpp"
#include "measurement.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace benchmarks {
namespace {

constexpr int kEventsAtOnce = 1024;
constexpr int kPatienceMs = 100;
constexpr std::size_t kReceiveBytes = 64 * 1024;

// The value of Content-Length in a head (RFC 9110, 8.6).
std::size_t body_bytes(std::string_view head) {
    constexpr std::string_view kField = "\r\ncontent-length: ";
    const auto same = [](char left, char right) { return std::tolower(static_cast<unsigned char>(left)) == right; };
    const auto field = std::search(head.begin(), head.end(), kField.begin(), kField.end(), same);
    std::size_t bytes = 0;
    if (field == head.end() ||
        std::from_chars(&*field + kField.size(), head.data() + head.size(), bytes).ec != std::errc{}) {
        fail("an answer without Content-Length: " + std::string{head});
    }
    return bytes;
}

// One connection: a request, its answer, the next request.
class Reader {
public:
    void dial(const Target& target, std::size_t number) {
        fd_ = target.dial(number);
        asked_ = Clock::now();
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }

    // Returns how long the answer took, if it is whole now, and asks again. Fails if it is no 200 with `body`.
    std::optional<Clock::duration> proceed(const std::string& request, std::string_view body) {
        receive();
        const std::size_t head_bytes = received_.find("\r\n\r\n");
        if (head_bytes == std::string::npos) {
            return std::nullopt;
        }
        const std::string_view head = std::string_view{received_}.substr(0, head_bytes);
        if (!head.starts_with("HTTP/1.1 200 ")) {
            fail("no 200, but: " + received_);
        }
        const std::string_view rest = std::string_view{received_}.substr(head_bytes + 4);
        if (rest.size() < body_bytes(head)) {
            return std::nullopt;
        }
        if (rest != body) {
            fail("another page than expected: " + received_);
        }
        received_.clear();
        const auto now = Clock::now();
        const auto took = now - asked_;
        asked_ = now;
        if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
            fail_errno("send");
        }
        return took;
    }

private:
    void receive() {
        std::array<char, kReceiveBytes> buffer;
        const ssize_t received = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (received <= 0) {
            received == 0 ? fail("the server has closed a connection after: " + received_) : fail_errno("recv");
        }
        received_.append(buffer.data(), static_cast<std::size_t>(received));
    }

    int fd_ = -1;
    Clock::time_point asked_;
    std::string received_;
};

}  // namespace

void requests(const Arguments& arguments) {
    const Target target{arguments, get_request(arguments.text("path", "/"))};
    const std::string body = arguments.text("body", "");
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<Reader> readers(arguments.number("connections", 1));
    Measurement measurement{arguments};
    measurement.start();
    for (std::size_t i = 0; i < readers.size(); ++i) {
        readers[i].dial(target, i);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &readers[i];
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, readers[i].fd(), &event);
    }
    std::array<epoll_event, kEventsAtOnce> events;
    while (measurement.is_running()) {
        const int count = ::epoll_wait(epoll, events.data(), kEventsAtOnce, kPatienceMs);
        for (int i = 0; i < count; ++i) {
            Reader& reader = *static_cast<Reader*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (const auto took = reader.proceed(target.request, body)) {
                measurement.count(1);
                measurement.add_latency(*took);
            }
        }
    }
    measurement.print();
}

}  // namespace benchmarks
