#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

namespace c10k {

// While it lives, a SIGHUP from a process calls `action`, on a thread of its own. A SIGHUP from the kernel, because the
// terminal has gone, acts as SIGTERM. Requires: there is one at a time.
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
