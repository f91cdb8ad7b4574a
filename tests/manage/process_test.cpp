#include "manage/process.hpp"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>

namespace c10k {
namespace {

bool runs(pid_t pid) {
    std::ifstream status{"/proc/" + std::to_string(pid) + "/stat"};
    std::string text;
    std::getline(status, text);
    const std::size_t name_end = text.rfind(')');
    return name_end != std::string::npos && text.substr(name_end, 3) != ") Z";
}

TEST(Process, TellsHowItEnded) {
    Process well{{.command = {"true"}}};
    well.wait();
    EXPECT_TRUE(well.succeeded());
    Process badly{{.command = {"sh", "-c", "exit 3"}}};
    badly.wait();
    EXPECT_FALSE(badly.succeeded());
    EXPECT_EQ(badly.how_it_ended(), "exit status 3");
    Process killed{{.command = {"sh", "-c", "kill -SEGV $$"}}};
    killed.wait();
    EXPECT_EQ(killed.how_it_ended(), "killed by signal 11 (Segmentation fault)");
    Process absent{{.command = {"there-is-no-such-program"}}};
    absent.wait();
    EXPECT_EQ(absent.how_it_ended(), "exit status 127");
}

TEST(Process, GivesWhatItPrintsOnBothWays) {
    EXPECT_EQ(output_of({"sh", "-c", "echo one; echo two >&2"}), "one\ntwo\n");
    EXPECT_EQ(output_of({"there-is-no-such-program"}), "");
}

TEST(Process, GetsItsEnvironmentAndDescriptors) {
    const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    Process process{{
        .command = {"sh", "-c", "echo $GREETING $LISTEN_PID $$; readlink /proc/self/fd/3"},
        .environment = {{"GREETING", "hello"}},
        .descriptors = {file},
        .output = Start::Output::kCollected,
    }};
    process.wait();
    const std::string pid = std::to_string(process.pid());
    EXPECT_EQ(process.read_output(), "hello " + pid + ' ' + pid + "\n/dev/null\n");
    ::close(file);
}

TEST(Process, DoesNotGetWhatIsTakenAway) {
    ::setenv("SECRET", "yes", 1);
    EXPECT_EQ(output_of({"sh", "-c", "echo ${SECRET-none}"}), "yes\n");
    Process process{{
        .command = {"sh", "-c", "echo ${SECRET-none}"},
        .environment = {{"SECRET", ""}},
        .output = Start::Output::kCollected,
    }};
    process.wait();
    EXPECT_EQ(process.read_output(), "none\n");
    ::unsetenv("SECRET");
}

TEST(Process, IsKilledWithAllThatItHasStarted) {
    std::string sleeper;
    {
        Process process{{.command = {"sh", "-c", "sleep 1000 & echo $!; wait"}, .output = Start::Output::kCollected}};
        while (sleeper.find('\n') == std::string::npos) {
            sleeper += process.read_output();
        }
    }
    while (runs(std::stoi(sleeper))) {  // a signal takes a moment
        std::this_thread::yield();
    }
}

TEST(Process, CanBeACopyOfThisOneThatDoesSomething) {
    Process process{{.function =
                         [] {
                             (void)::write(STDOUT_FILENO, "here\n", 5);
                             return 7;
                         },
                     .output = Start::Output::kCollected}};
    process.wait();
    EXPECT_EQ(process.read_output(), "here\n");
    EXPECT_EQ(process.exit_status(), 7);
    Process killed{{.command = {"sh", "-c", "kill -SEGV $$"}}};
    killed.wait();
    EXPECT_EQ(killed.exit_status(), std::nullopt);
}

TEST(Process, EndsWithAllThatItHasStartedWhenAsked) {
    Process process{{.command = {"sh", "-c",
                                 "trap : TERM; (trap 'echo ended; exit' TERM; echo ready; "
                                 "while :; do sleep 0.01; done)"},
                     .output = Start::Output::kCollected}};
    std::string said;
    while (said != "ready\n") {
        said += process.read_output();
    }
    process.end(std::chrono::minutes{5});
    EXPECT_EQ(process.output_descriptor(), -1);
    process.wait();
}

}  // namespace
}  // namespace c10k
