#include "c10k/manage.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

namespace c10k {
namespace {

struct Site {
    explicit Site(Services& /*services*/) {}
    Urls urls() { return {}; }
};

// A command that ends as the test says.
class Measure : public Command {
public:
    explicit Measure(void (*end)()) : end_(end) {}
    [[nodiscard]] std::string_view name() const noexcept override { return "measure"; }
    [[nodiscard]] std::string_view help() const noexcept override { return "Measure something"; }
    Task<> run() override {
        co_await yield();
        end_();
    }

private:
    void (*end_)();
};

struct Ended {
    int status;
    std::string error;
};

Ended run(void (*end)()) {
    Measure measure{end};
    std::string program = "manage";
    std::string command = "measure";
    std::string backend = "--backend=epoll";
    char* arguments[] = {program.data(), command.data(), backend.data(), nullptr};
    testing::internal::CaptureStderr();
    const int status = manage<Site>(3, arguments, {&measure});
    return {status, testing::internal::GetCapturedStderr()};
}

TEST(ExitStatus, IsZeroAfterACommandThatReturns) {
    const Ended ended = run([] {});
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.error, "");
}

TEST(ExitStatus, IsTheOneThatTheCommandFailsWith) {
    const Ended ended = run([] { throw CommandError("120 ms is more than the limit", 99); });
    EXPECT_EQ(ended.status, 99);
    EXPECT_EQ(ended.error, "120 ms is more than the limit\n");
}

TEST(ExitStatus, IsOneAfterAnyOtherFailure) {
    EXPECT_EQ(run([] { throw CommandError("no server answers"); }).status, 1);
    EXPECT_EQ(run([] { throw std::runtime_error("no server answers"); }).status, 1);
}

TEST(ExitStatus, OfAFailureIsNeverThatOfSuccess) {
    EXPECT_THROW(CommandError("failed", 0), std::logic_error);
    EXPECT_THROW(CommandError("failed", 256), std::logic_error);
}

}  // namespace
}  // namespace c10k
