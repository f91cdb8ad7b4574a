#include "task/on_hangup.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <semaphore>
#include <thread>
#include <unistd.h>

namespace c10k {
namespace {

TEST(OnHangup, CallsForEachSignalOnAThreadOfItsOwn) {
    std::counting_semaphore calls{0};
    std::thread::id caller;
    const OnHangup on_hangup{[&] {
        caller = std::this_thread::get_id();
        calls.release();
    }};
    for (int i = 0; i < 3; ++i) {
        ::kill(::getpid(), SIGHUP);
        calls.acquire();
        EXPECT_NE(caller, std::this_thread::get_id());
    }
}

TEST(OnHangup, LeavesTheSignalAsItWas) {
    struct sigaction before {};
    ::sigaction(SIGHUP, nullptr, &before);
    {
        const OnHangup on_hangup{[] {}};
    }
    struct sigaction after {};
    ::sigaction(SIGHUP, nullptr, &after);
    EXPECT_EQ(after.sa_handler, before.sa_handler);
    EXPECT_EQ(after.sa_flags & SA_SIGINFO, before.sa_flags & SA_SIGINFO);
}

}  // namespace
}  // namespace c10k
