#include "loop/activation.hpp"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace c10k {
namespace {

class ActivationTest : public testing::Test {
protected:
    static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
    static std::string heard_at(int socket) {
        std::array<char, 100> text;
        const ssize_t size = ::recv(socket, text.data(), text.size(), MSG_DONTWAIT);
        return size < 0 ? "nothing" : std::string{text.data(), static_cast<std::size_t>(size)};
    }

    ~ActivationTest() override {
        for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "NOTIFY_SOCKET", ReadyNotice::kVariable}) {
            ::unsetenv(name);
        }
    }
};

TEST_F(ActivationTest, TakesNothingThatIsForAnotherProcess) {
    set("LISTEN_PID", std::to_string(::getppid()));
    set("LISTEN_FDS", "1");
    EXPECT_TRUE(take_inherited_listeners().empty());
    EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

TEST_F(ActivationTest, RefusesACountThatIsNone) {
    for (const char* count : {"", "-1", "1x", " 1", "1025", "99999999999"}) {
        set("LISTEN_PID", std::to_string(::getpid()));
        set("LISTEN_FDS", count);
        EXPECT_THROW((void)take_inherited_listeners(), std::runtime_error) << count;
    }
}

TEST_F(ActivationTest, SaysThatItServesByTheInheritedSocket) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()), 0);
    set(ReadyNotice::kVariable, std::to_string(ends[1]));
    {
        const ReadyNotice ready;
        EXPECT_EQ(std::getenv(ReadyNotice::kVariable), nullptr);
        EXPECT_EQ(::fcntl(ends[1], F_GETFD), FD_CLOEXEC);
        EXPECT_EQ(heard_at(ends[0]), "nothing");
        ready.send();
    }
    EXPECT_EQ(heard_at(ends[0]), "READY=1");
    EXPECT_EQ(::fcntl(ends[1], F_GETFD), -1);
    ::close(ends[0]);
}

TEST_F(ActivationTest, LeavesAloneWhatHasTheNumberOfThatSocketByChance) {
    const int file = ::open("/dev/null", O_RDWR);
    set(ReadyNotice::kVariable, std::to_string(file));
    { ReadyNotice{}.send(); }
    EXPECT_EQ(::fcntl(file, F_GETFD), 0);
    ::close(file);
}

TEST_F(ActivationTest, SaysToSystemdThatItServes) {
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    set("NOTIFY_SOCKET", '@' + std::string{address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1});
    ReadyNotice{}.send();
    EXPECT_EQ(heard_at(socket), "READY=1");
    ::close(socket);
}

}  // namespace
}  // namespace c10k
