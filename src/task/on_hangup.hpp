#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

namespace c10k {

// While it lives, a SIGHUP that somebody sends calls `action`, on a thread of its own; one that the kernel sends,
// because the terminal has gone, is a SIGTERM. Requires: there is one at a time.
class OnHangup {
public:
    // Throws std::system_error.
    explicit OnHangup(std::function<void()> action);
    ~OnHangup();
    OnHangup(const OnHangup&) = delete;
    OnHangup& operator=(const OnHangup&) = delete;

private:
    void wait_and_act();

    std::function<void()> action_;
    int news_;  // an eventfd
    std::atomic<bool> ending_{false};
    struct sigaction former_ {};
    std::thread thread_;
};

}  // namespace c10k
