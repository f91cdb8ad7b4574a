#include "manage/diagnostics.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

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

TEST(FindProblems, FindsTheErrorsOfOtherLinkers) {
    const auto problems = find_problems(
        "ld.lld: error: undefined symbol: App::missing(int)\n"
        ">>> referenced by chat.cpp:2 (/home/ann/site/chat/chat.cpp:2)\n"
        ">>>               chat.cpp.o:(App::view())\n"
        "/usr/bin/ld.lld: error: duplicate symbol: twice()\n"
        ">>> defined at a.cpp\n"
        ">>>            a.o:(twice())\n"
        "mold: error: undefined symbol: foo()\n"
        ">>> referenced by manage.cpp\n"
        "collect2: error: ld returned 1 exit status\n",
        "/home/ann/site");
    ASSERT_EQ(problems.size(), 3U);
    EXPECT_EQ(problems[0].place, "chat/chat.cpp:2");
    EXPECT_EQ(problems[0].text,
              "undefined symbol: App::missing(int)\n"
              ">>> referenced by chat.cpp:2 (/home/ann/site/chat/chat.cpp:2)\n"
              ">>>               chat.cpp.o:(App::view())");
    EXPECT_EQ(problems[1].place, "");
    EXPECT_EQ(problems[1].text, "duplicate symbol: twice()\n>>> defined at a.cpp\n>>>            a.o:(twice())");
    EXPECT_EQ(problems[2].text, "undefined symbol: foo()\n>>> referenced by manage.cpp");
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
    const auto problems = find_problems(output, "/");
    ASSERT_EQ(problems.size(), 21U);
    EXPECT_EQ(problems[19].place, "a.cpp:20:1");
    EXPECT_EQ(problems[20].place, "");
    EXPECT_EQ(problems[20].text, "And 980 more: see the terminal.");
}

std::size_t bytes_of(const std::vector<Explanation::Problem>& problems) {
    std::size_t bytes = 0;
    for (const Explanation::Problem& problem : problems) {
        bytes += problem.place.size() + problem.text.size();
    }
    return bytes;
}

TEST(FindProblems, CutsLinesOfAnyLength) {
    for (const std::size_t size : {std::size_t{50'000}, std::size_t{10'000'000}}) {
        const std::string longest(size, 'x');
        const auto one = find_problems("a.cpp:1:2: error: " + longest + '\n' + "  " + longest + '\n', "/");
        ASSERT_EQ(one.size(), 1U);
        EXPECT_EQ(one[0].place, "a.cpp:1:2");
        EXPECT_TRUE(one[0].text.starts_with("xxxx"));
        EXPECT_TRUE(one[0].text.ends_with(" more bytes]"));
        EXPECT_LT(bytes_of(one), 5'000U);
        for (const std::string& line :
             {longest, longest + ":1:1: error: no", "CMake Error at " + longest, "CMake Error at " + longest + ":1",
              longest + ":(" + longest + "): undefined reference to " + longest, "ld: " + longest}) {
            EXPECT_LT(bytes_of(find_problems(line, "/")), 5'000U) << line.substr(0, 20);
        }
        std::string many;
        for (const std::string piece : {": error: ", "1:", " ", "ld: ", ":1:1: fatal"}) {
            many.clear();
            while (many.size() < size) {
                many += piece;
            }
            EXPECT_LT(bytes_of(find_problems(many, "/")), 5'000U) << piece;
        }
    }
}

TEST(FindProblems, GivesNoMoreThanAPageShows) {
    std::string output;
    for (int i = 1; i <= 100; ++i) {
        output += "a.cpp:" + std::to_string(i) + ":1: error: " + std::string(3000, 'x') + '\n';
        for (int context = 0; context < 4; ++context) {
            output += "  " + std::string(3000, 'y') + '\n';
        }
    }
    const auto problems = find_problems(output, "/");
    EXPECT_LT(bytes_of(problems), 64U * 1024);
    EXPECT_EQ(problems.back().text, "And " + std::to_string(101 - problems.size()) + " more: see the terminal.");
}

TEST(FindProblems, TakesNothingElseForAnError) {
    for (const std::string line :
         {"error: no place", "a.cpp: error: no line", ":1: error: no file", "a.cpp:1:2: warning: error: no",
          "a.cpp:1:2: errors: no", "CMake Error at nowhere", "CMake Error at :1", "in a b: undefined reference to c",
          "a: multiple definition of b"}) {
        const auto problems = find_problems(line, "/");
        ASSERT_EQ(problems.size(), 1U);
        EXPECT_EQ(problems[0].place, "") << line;
    }
    const auto odd = find_problems(
        "/a b/c:1: x.cpp:12: error: error: it says\n"
        "CMake Error at /my folder/c:d/CMakeLists.txt:31 (include):\n"
        "x.cpp:(.text._ZN3fooEv[_ZN3fooEv]+0x5): undefined reference to `bar()'\n"
        "/usr/bin/ld: b.cpp:(.text+0x0): multiple definition of `f()'; a.o: first\n",
        "/");
    ASSERT_EQ(odd.size(), 4U);
    EXPECT_EQ(odd[0].place, "/a b/c:1: x.cpp:12");
    EXPECT_EQ(odd[0].text, "error: it says");
    EXPECT_EQ(odd[1].place, "/my folder/c:d/CMakeLists.txt:31");
    EXPECT_EQ(odd[2].place, "x.cpp:(.text._ZN3fooEv[_ZN3fooEv]+0x5)");
    EXPECT_EQ(odd[3].place, "b.cpp:(.text+0x0)");
    EXPECT_EQ(odd[3].text, "multiple definition of `f()'; a.o: first");
}

TEST(LastLines, AreAllOfThemIfThereAreFew) {
    EXPECT_EQ(last_lines(""), "");
    EXPECT_EQ(last_lines("one"), "one");
    EXPECT_EQ(last_lines("one\ntwo\n"), "one\ntwo\n");
}

}  // namespace
}  // namespace c10k
