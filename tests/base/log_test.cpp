#include "base/log.hpp"

#include <gtest/gtest.h>
#include <string>
#include <thread>

namespace c10k {
namespace {

TEST(Log, IsSilentOnTheThreadWhereThatIsWanted) {
    testing::internal::CaptureStderr();
    {
        const log::Silence silence;
        log::error("not this");
        std::thread{[] { log::error("but that"); }}.join();
    }
    log::error("and this");
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(said.find("not this"), std::string::npos);
    EXPECT_NE(said.find("but that"), std::string::npos);
    EXPECT_NE(said.find("and this"), std::string::npos);
}

TEST(Log, GoesWhereTheThreadWantsIt) {
    std::string lines;
    const log::Redirect::Write note = [&lines](log::Level level, std::string_view line) {
        lines += (level == log::Level::kWarning ? "warning: " : "error: ") + std::string{line} + ';';
    };
    testing::internal::CaptureStderr();
    {
        const log::Redirect here{&note};
        log::warning("one\n");
        std::thread{[] { log::error("of another thread"); }}.join();
        {
            const log::Redirect to_standard_error{nullptr};
            log::error("past it");
        }
        log::error("two");
    }
    log::error("after it");
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(lines, "warning: one\\n;error: two;");
    for (const char* const line : {"of another thread", "past it", "after it"}) {
        EXPECT_NE(said.find(line), std::string::npos) << line;
    }
    EXPECT_EQ(said.find("two"), std::string::npos);
}

TEST(Log, WritesOneLineWithoutCommandsToATerminal) {
    testing::internal::CaptureStderr();
    log::error("it says: \x1b[2J\n[01/Jan/2000 00:00:00] a forged line\xc2\x9b");
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("it says: \\x1b[2J\\n[01/Jan/2000 00:00:00] a forged line\\u009b\n"), std::string::npos)
        << said;
}

}  // namespace
}  // namespace c10k
