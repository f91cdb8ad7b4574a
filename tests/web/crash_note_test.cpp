#include "web/crash_note.hpp"

#include <atomic>
#include <csignal>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace c10k {
namespace {

// Sends this thread the signal as soon as another one does, from the depth of a stack that a note cannot hold.
__attribute__((noinline)) int crash(int depth, int signal, std::atomic<int>& ready) {
    if (depth == 0) {
        for (++ready; ready < 2;) {
        }
        return ::raise(signal);
    }
    const int result = crash(depth - 1, signal, ready);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler makes no loop of it
    return result;
}

void crash_two_threads(int descriptor) {
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    note_crashes(descriptor);
    constexpr int kDepth = 100;
    std::atomic<int> ready{0};
    std::thread other{[&ready] { crash(kDepth, SIGILL, ready); }};
    crash(kDepth, SIGABRT, ready);
    other.join();
}

TEST(CrashNotes, AreWholeIfTwoThreadsCrashAtOnce) {
    for (int run = 0; run < 50; ++run) {
        const int descriptor = ::memfd_create("note", MFD_CLOEXEC);
        const pid_t child = ::fork();
        if (child == 0) {
            crash_two_threads(descriptor);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        const auto note = read_crash_note(descriptor);
        ::close(descriptor);
        ASSERT_TRUE(note);
        EXPECT_EQ(note->count, CrashNote::kMaxFrames);
        EXPECT_TRUE(note->signal == SIGILL || note->signal == SIGABRT) << note->signal;
    }
}

}  // namespace
}  // namespace c10k
