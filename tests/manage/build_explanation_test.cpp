#include "manage/build_explanation.hpp"

#include "manage/build_meter.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

namespace c10k {
namespace {

class BuildExplanationTest : public testing::Test {
protected:
    BuildExplanationTest() {
        std::filesystem::create_directories(source);
        std::ofstream{source / "chat.cpp"} << "int main() {\n\tmesage();\n    return 0\n}\n";
    }
    ~BuildExplanationTest() override { std::filesystem::remove_all(source); }

    Explanation explain(const std::string& output) const { return explain_build(output, source); }
    std::string file() const { return (source / "chat.cpp").string(); }

    const std::filesystem::path source =
        std::filesystem::path{testing::TempDir()} / ("explain" + std::to_string(::getpid()));
};

std::string marked(const Excerpt& excerpt) {
    return excerpt.lines.at(excerpt.line - excerpt.first).substr(excerpt.begin, excerpt.end - excerpt.begin);
}

TEST_F(BuildExplanationTest, ShowsTheSourceOfEachError) {
    const Explanation explanation =
        explain("[1/2] Building CXX object chat.cpp.o\n" + file() +
                ":2:2: error: ‘mesage’ was not declared in this scope; did you mean ‘message’?\n"
                "    2 |         mesage();\n"
                "      |         ^~~~~~\n"
                "      |         message\n" +
                file() +
                ":3:13: error: expected ‘;’ before ‘}’ token\n"
                "    3 |     return 0\n"
                "      |             ^\n"
                "      |             ;\n"
                "ninja: build stopped: subcommand failed.\n");
    EXPECT_EQ(explanation.heading, "The build failed");
    EXPECT_EQ(explanation.lead, "2 errors in `chat.cpp`.");
    ASSERT_EQ(explanation.problems.size(), 2U);
    EXPECT_EQ(explanation.problems[0].tag, "error 1 of 2");
    EXPECT_EQ(explanation.problems[0].text, "‘mesage’ was not declared in this scope");
    EXPECT_EQ(explanation.problems[0].excerpt.remark, "did you mean ‘message’?");
    EXPECT_EQ(marked(explanation.problems[0].excerpt), "mesage");
    EXPECT_EQ(explanation.problems[0].file, file());
    EXPECT_EQ(explanation.problems[1].excerpt.remark, "write ‘;’ here");
    EXPECT_NE(explanation.output.find("ninja: build stopped"), std::string::npos);
}

TEST_F(BuildExplanationTest, FindsTheWordOfAnErrorThatTheCompilerDoesNotShow) {
    const Explanation explanation = explain(file() + ":3:5: error: no\n");
    ASSERT_EQ(explanation.problems.size(), 1U);
    EXPECT_EQ(explanation.problems[0].tag, "error");
    EXPECT_EQ(marked(explanation.problems[0].excerpt), "return");
}

TEST_F(BuildExplanationTest, KeepsTheLinesBelowAnErrorOfAnotherTool) {
    std::ofstream{source / "CMakeLists.txt"} << "project(x)\nadd_executable(x y.cpp)\n";
    const Explanation explanation =
        explain("CMake Error at CMakeLists.txt:2 (add_executable):\n  Cannot find source file:\n\n    y.cpp\n");
    ASSERT_EQ(explanation.problems.size(), 1U);
    EXPECT_NE(explanation.problems[0].text.find("Cannot find source file"), std::string::npos);
    EXPECT_EQ(explanation.problems[0].excerpt.line, 2U);
}

TEST_F(BuildExplanationTest, ShowsWhatItDoesNotUnderstand) {
    const Explanation explanation = explain("no\nprogram\n");
    ASSERT_EQ(explanation.problems.size(), 1U);
    EXPECT_EQ(explanation.problems[0].text, "no\nprogram\n");
    EXPECT_EQ(explanation.lead, "");
    EXPECT_LT(explain(std::string(1'000'000, 'x')).output.size(), 20'000U);
    EXPECT_LT(explain(std::string(1'000'000, '\n')).output.size(), 20'000U);
}

TEST(ReadProgress, ReadsTheLinesOfBuildTools) {
    const auto ninja = read_progress("[2/13] Building CXX object CMakeFiles/manage.dir/chat/chat.cpp.o");
    ASSERT_TRUE(ninja);
    EXPECT_EQ(ninja->done, 2U);
    EXPECT_EQ(ninja->total, 13U);
    EXPECT_EQ(ninja->file, "chat/chat.cpp");
    const auto make = read_progress("[ 66%] Linking CXX executable manage");
    ASSERT_TRUE(make);
    EXPECT_EQ(make->done, 66U);
    EXPECT_EQ(make->total, 100U);
    EXPECT_EQ(make->file, "");
    for (const char* line : {"", "[", "[] x", "[1] x", "[a/b] x", "[1/x] y", "[%] x", "1/2] x", "[99999999999/2] x"}) {
        EXPECT_FALSE(read_progress(line)) << line;
    }
}

TEST(BuildMeter, TellsHowFarABuildIs) {
    BuildMeter meter;
    EXPECT_FALSE(meter.now());
    EXPECT_FALSE(meter.add("[1/3] Building CXX object x.dir/a.cpp.o\n"));
    meter.begin();
    EXPECT_FALSE(meter.add("a warning\n"));
    EXPECT_TRUE(meter.add("[1/3] Building CXX object x.dir/a.cpp.o\nmore\n[2/3] Linking x\n"));
    ASSERT_TRUE(meter.now());
    EXPECT_EQ(meter.now()->done, 2U);
    EXPECT_EQ(meter.now()->file, "a.cpp");
    meter.end(BuildMeter::End::kFailed);
    EXPECT_FALSE(meter.now());
    meter.begin();
    EXPECT_EQ(meter.now()->usual_ms, 0);
    EXPECT_EQ(meter.now()->done, 0U);
}

}  // namespace
}  // namespace c10k
