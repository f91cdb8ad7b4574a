#include "load/crowd.hpp"
#include "load/modes.hpp"
#include "measurement.hpp"

#include <array>
#include <cstddef>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace benchmarks {
namespace {

constexpr int kEventsAtOnce = 1024;
constexpr int kPatienceMs = 100;

// One connection after another.
class Slot {
public:
    enum class State { kUpgrading, kClosing };

    void dial(const Target& target, std::size_t number, int epoll) {
        fd_ = target.dial(number);
        state_ = State::kUpgrading;
        dialled_ = Clock::now();
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = this;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd_, &event);
    }

    // Returns whether this connection has come to its end.
    bool proceed() {
        std::array<char, 4096> buffer;
        const ssize_t received = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (received < 0) {
            fail_errno("recv");
        }
        if (state_ == State::kUpgrading) {
            check_upgraded({buffer.data(), static_cast<std::size_t>(received)});
            (void)::send(fd_, client_close().data(), client_close().size(), MSG_NOSIGNAL);
            state_ = State::kClosing;
            return false;
        }
        if (received > 0) {
            return false;  // the server's close frame
        }
        ::close(fd_);
        return true;
    }

    [[nodiscard]] Clock::time_point dialled() const noexcept { return dialled_; }

private:
    int fd_ = -1;
    State state_ = State::kUpgrading;
    Clock::time_point dialled_;
};

}  // namespace

void handshakes(const Arguments& arguments) {
    const Target target{arguments};
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<Slot> slots(arguments.number("connections", 1));
    std::size_t dialled = 0;
    Measurement measurement{arguments};
    measurement.start();
    for (Slot& slot : slots) {
        slot.dial(target, dialled++, epoll);
    }
    std::array<epoll_event, kEventsAtOnce> events;
    while (measurement.is_running()) {
        const int count = ::epoll_wait(epoll, events.data(), kEventsAtOnce, kPatienceMs);
        for (int i = 0; i < count; ++i) {
            Slot& slot = *static_cast<Slot*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (slot.proceed()) {
                measurement.count(1);
                measurement.add_latency(Clock::now() - slot.dialled());
                slot.dial(target, dialled++, epoll);
            }
        }
    }
    measurement.print();
}

}  // namespace benchmarks
