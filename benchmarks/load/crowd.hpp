#pragma once

#include "bytes.hpp"
#include "program.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <utility>
#include <vector>

namespace benchmarks {

// Where connections go, and what they ask for first. Argument: --port.
struct Target {
    // An upgrade. Arguments: --path, --cookie.
    explicit Target(const Arguments& arguments)
        : Target(arguments, upgrade_request(arguments.text("path", "/"), arguments.text("cookie", ""))) {}
    Target(const Arguments& arguments, std::string first_request)
        : port(arguments.port()), request(std::move(first_request)) {}

    // Connects from one of many addresses, so that there are ports enough, and sends the request.
    // Returns a descriptor.
    [[nodiscard]] int dial(std::size_t number) const;

    std::uint16_t port;
    std::string request;
};

// Fails unless `response` is a 101.
void check_upgraded(std::string_view response);

// Connections that are all open, and send the same message over and over. The replies are counted, not kept.
class Crowd {
public:
    // Arguments: those of Target, --connections, --payload. Returns when all are open.
    explicit Crowd(const Arguments& arguments);

    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

    void say(std::size_t member, std::size_t messages);
    // Answers the pings that `frames` begin with, and returns what follows them.
    std::string_view answer_pings(std::size_t member, std::string_view frames) const;

    // Waits until something happens, at most 100 ms, and calls `heard(member, bytes)` for each member that received;
    // the bytes are valid during the call.
    template <typename Heard>
    void turn(Heard heard);

private:
    static constexpr std::size_t kReceiveBytes = 256 * 1024;
    static constexpr int kEventsAtOnce = 1024;
    static constexpr int kPatienceMs = 100;

    struct Member {
        int fd = -1;
        bool blocked = false;
        Debt owed;
    };

    int wait() { return ::epoll_wait(epoll_, events_.data(), kEventsAtOnce, kPatienceMs); }
    // Fails if the server has ended the connection.
    std::string_view receive(std::size_t member);
    void send(std::size_t member);
    void watch(int operation, std::size_t member, std::uint32_t interest) const;

    int epoll_;
    Repeated message_;
    std::vector<Member> members_;
    std::array<epoll_event, kEventsAtOnce> events_;
    std::unique_ptr<char[]> buffer_;
};

template <typename Heard>
void Crowd::turn(Heard heard) {
    const int count = wait();
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events_[static_cast<std::size_t>(i)];
        const std::size_t member = event.data.u64;
        if ((event.events & EPOLLOUT) != 0) {
            send(member);
        }
        if ((event.events & ~EPOLLOUT) != 0) {
            heard(member, receive(member));
        }
    }
}

}  // namespace benchmarks
