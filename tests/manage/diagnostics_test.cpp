#include "manage/diagnostics.hpp"

#include <gtest/gtest.h>

#include <string>

namespace c10k {
namespace {

TEST(FindProblems, FindsTheErrorsOfACompilerWithTheLinesBelowThem) {
    const auto problems = find_problems(
        "[1/2] Building CXX object manage.cpp.o\n"
        "/home/ann/site/chat.cpp: In function ‘int main()’:\n"
        "/home/ann/site/chat.cpp:12:5: error: ‘foo’ was not declared in this scope\n"
        "   12 |     foo();\n"
        "      |     ^~~\n"
        "/home/ann/site/chat.cpp:20:7: warning: unused variable ‘a’\n"
        "/usr/include/x.hpp:3: fatal error: y.hpp: No such file or directory\n"
        "ninja: build stopped: subcommand failed.\n",
        "/home/ann/site");
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_EQ(problems[0].place, "chat.cpp:12:5");
    EXPECT_EQ(problems[0].text, "‘foo’ was not declared in this scope\n   12 |     foo();\n      |     ^~~");
    EXPECT_EQ(problems[1].place, "/usr/include/x.hpp:3");
    EXPECT_EQ(problems[1].text, "y.hpp: No such file or directory");
}

TEST(FindProblems, FindsTheErrorsOfCMakeAndOfTheLinker) {
    const auto cmake = find_problems(
        "CMake Error at CMakeLists.txt:3 (add_executable):\n"
        "  Cannot find source file:\n"
        "\n"
        "    nothing.cpp\n",
        "/home/ann/site");
    ASSERT_EQ(cmake.size(), 1U);
    EXPECT_EQ(cmake[0].place, "CMakeLists.txt:3");
    EXPECT_EQ(cmake[0].text, " (add_executable):\n  Cannot find source file:\n\n    nothing.cpp");

    const auto linker = find_problems(
        "/usr/bin/ld: manage.cpp.o: in function `main':\n"
        "/home/ann/site/manage.cpp:7: undefined reference to `foo()'\n"
        "collect2: error: ld returned 1 exit status\n",
        "/home/ann/site");
    ASSERT_EQ(linker.size(), 1U);
    EXPECT_EQ(linker[0].place, "manage.cpp:7");
    EXPECT_EQ(linker[0].text, "undefined reference to `foo()'");
}

TEST(FindProblems, ShowsTheLastLinesOfWhatItDoesNotUnderstand) {
    std::string output;
    for (int i = 1; i <= 100; ++i) {
        output += "line " + std::to_string(i) + '\n';
    }
    const auto problems = find_problems(output, "/");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].place, "");
    EXPECT_TRUE(problems[0].text.starts_with("line 81\n")) << problems[0].text;
    EXPECT_TRUE(problems[0].text.ends_with("line 100\n")) << problems[0].text;
}

TEST(FindProblems, NamesAFewOfVeryMany) {
    std::string output;
    for (int i = 1; i <= 1000; ++i) {
        output += "a.cpp:" + std::to_string(i) + ":1: error: no\n";
    }
    EXPECT_EQ(find_problems(output, "/").size(), 20U);
}

TEST(LastLines, AreAllOfThemIfThereAreFew) {
    EXPECT_EQ(last_lines(""), "");
    EXPECT_EQ(last_lines("one"), "one");
    EXPECT_EQ(last_lines("one\ntwo\n"), "one\ntwo\n");
}

}  // namespace
}  // namespace c10k
