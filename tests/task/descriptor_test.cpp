#include "c10k/descriptor.hpp"

#include "task/fixture.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace c10k {
namespace {

// Tasks that wait for descriptors of their own.
class DescriptorTest : public testing::TestWithParam<BackendChoice> {
protected:
    DescriptorTest() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
        ours = ends[0];
        theirs = ends[1];
    }
    ~DescriptorTest() override {
        ::close(ours);
        ::close(theirs);
    }

    void run(Task<> task) { c10k::run(loop, std::move(task), scope); }
    static std::string read(int descriptor) {
        std::array<char, 64> bytes;
        const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
        return {bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
    }
    static void write(int descriptor, const std::string& text) {
        EXPECT_EQ(::write(descriptor, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }

    Loop loop{make_backend(GetParam())};
    StopScope scope;
    int ours = -1;
    int theirs = -1;
};
INSTANTIATE_TEST_SUITE_P(Backends, DescriptorTest, testing::Values(BackendChoice::kEpoll, BackendChoice::kAuto),
                         [](const auto& info) { return info.param == BackendChoice::kEpoll ? "epoll" : "auto"; });

Task<> collect(int descriptor, std::string& text, std::size_t size) {
    while (text.size() < size) {
        co_await readable(descriptor);
        std::array<char, 1> byte;
        if (::read(descriptor, byte.data(), byte.size()) == 1) {
            text += byte[0];
        }
    }
}

TEST_P(DescriptorTest, ReadsWhatComesByAndBy) {
    std::string text;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(collect(ours, text, 6));
        for (const char* const piece : {"ab", "cd", "ef"}) {
            co_await sleep_for(1ms);
            write(theirs, piece);
        }
    }));
    EXPECT_EQ(text, "abcdef");
}

TEST_P(DescriptorTest, LetsOneTaskReadWhileAnotherWrites) {
    const std::string block(4096, 'x');
    while (::write(ours, block.data(), block.size()) > 0) {
    }
    std::vector<std::string> order;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn([](int descriptor, std::vector<std::string>& notes) -> Task<> {
            co_await writable(descriptor);
            notes.emplace_back("written");
        }(ours, order));
        group.spawn([](int descriptor, std::vector<std::string>& notes) -> Task<> {
            co_await readable(descriptor);
            notes.emplace_back("read");
        }(ours, order));
        co_await sleep_for(1ms);
        write(theirs, "x");
        while (order.empty()) {
            co_await yield();
        }
        while (!read(theirs).empty()) {
        }
    }));
    EXPECT_EQ(order, (std::vector<std::string>{"read", "written"}));
}

TEST_P(DescriptorTest, StopsAndCanBeWaitedForAgain) {
    run([](int waited, int other) -> Task<> {
        EXPECT_THROW(co_await with_timeout(1ms, readable(waited)), TimedOut);
        EXPECT_THROW(co_await with_timeout(0ms, readable(waited)), TimedOut);
        write(other, "x");
        co_await readable(waited);
        EXPECT_EQ(read(waited), "x");
    }(ours, theirs));
}

TEST_P(DescriptorTest, StopsBeforeItWaits) {
    scope.request_stop();
    EXPECT_THROW(run([](int waited) -> Task<> { co_await readable(waited); }(ours)), Stopped);
}

TEST_P(DescriptorTest, CanBeInterrupted) {
    DescriptorAwaiter next = readable(ours);
    bool is_over = false;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn([](DescriptorAwaiter& waited, bool& over) -> Task<> {
            co_await waited;
            over = true;
        }(next, is_over));
        co_await sleep_for(1ms);
        EXPECT_FALSE(is_over);
        EXPECT_TRUE(next.interrupt());
        EXPECT_FALSE(next.interrupt());
        write(theirs, "x");
        co_await readable(ours);  // nothing is lost
    }));
    EXPECT_TRUE(is_over);
}

TEST_P(DescriptorTest, RefusesASecondReader) {
    run(task_group([this](TaskGroup& group) -> Task<> {
        group.spawn([](int waited) -> Task<> { co_await readable(waited); }(ours));
        co_await yield();
        EXPECT_THROW(co_await readable(ours), std::logic_error);
        co_await writable(ours);
        write(theirs, "x");
    }));
}

TEST_P(DescriptorTest, ThrowsForADescriptorThatIsNotOpen) {
    run([](int open) -> Task<> {
        const int closed = ::fcntl(open, F_DUPFD_CLOEXEC, 0);
        ::close(closed);
        for (int i = 0; i < 2; ++i) {
            try {
                co_await readable(closed);
                ADD_FAILURE() << "it is ready";
            } catch (const std::system_error& failure) {
                EXPECT_EQ(failure.code().value(), EBADF);
            }
        }
    }(ours));
}

// As an interpreter's event loop is watched: others have their turn although it stays ready.
TEST_P(DescriptorTest, WatchesAnotherEpollWithoutStarvingOthers) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    ASSERT_EQ(::epoll_ctl(epoll, EPOLL_CTL_ADD, ours, &event), 0);
    int ready = 0;
    run(task_group([&](TaskGroup& group) -> Task<> {
        group.spawn([](int descriptor, int& times, TaskGroup& all) -> Task<> {
            for (; times < 100; ++times) {
                co_await readable(descriptor);
            }
            all.stop();
        }(epoll, ready, group));
        co_await sleep_for(1ms);
        EXPECT_EQ(ready, 0);
        write(theirs, "x");
        int turns = 0;
        try {
            for (;; ++turns) {
                co_await yield();
            }
        } catch (const Stopped&) {
        }
        EXPECT_GT(turns, 1);  // how many waits end in one turn is the kernel's affair
    }));
    EXPECT_EQ(ready, 100);
    ::close(epoll);
}

class DescriptorInMemory : public TaskTest {};

TEST_F(DescriptorInMemory, IsRefused) {
    EXPECT_THROW(run([]() -> Task<> { co_await readable(0); }()), std::logic_error);
}

}  // namespace
}  // namespace c10k
