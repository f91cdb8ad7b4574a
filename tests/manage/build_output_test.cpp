#include "manage/build_output.hpp"

#include <gtest/gtest.h>
#include <string>

namespace c10k {
namespace {

std::string kept_of(const std::string& printed, std::size_t step) {
    BuildOutput output;
    for (std::size_t at = 0; at < printed.size(); at += step) {
        output.add(std::string_view{printed}.substr(at, step));
    }
    return output.text();
}

TEST(BuildOutput, IsAllOfItIfThatIsLittle) {
    for (const std::string printed : {"", "one", "one\n", "\n\none\ntwo", "\x1b[31mred\x1b[m\n"}) {
        EXPECT_EQ(kept_of(printed, 1), printed);
        EXPECT_EQ(kept_of(printed, 1000), printed);
    }
}

TEST(BuildOutput, CutsLongLinesAndSaysHowMuchIsMissing) {
    const std::string printed =
        std::string(1999, 'a') + "é" + std::string(50'000, 'b') + "\nnext\n" + std::string(10'000'000, 'c');
    const std::string kept =
        std::string(1999, 'a') + " [50002 more bytes]\nnext\n" + std::string(2000, 'c') + " [9998000 more bytes]";
    EXPECT_EQ(kept_of(printed, 1'000'000), kept);
    EXPECT_EQ(kept_of(printed, 7), kept);
    EXPECT_EQ(kept_of(std::string(2000, 'a'), 7), std::string(2000, 'a'));
}

TEST(BuildOutput, EndsAColourThatItCuts) {
    EXPECT_EQ(kept_of("\x1b[31m" + std::string(3000, 'a') + '\n', 100),
              "\x1b[31m" + std::string(1995, 'a') + "\x1b[m [1005 more bytes]\n");
}

TEST(BuildOutput, KeepsTheFirstLinesAndTheLastOnes) {
    BuildOutput output;
    std::string printed;
    for (int i = 1; i <= 500'000; ++i) {
        const std::string line = "line " + std::to_string(i) + '\n';
        output.add(line);
        printed += line;
    }
    const std::string kept = output.text();
    EXPECT_LT(kept.size(), 1'000'000U);
    EXPECT_TRUE(kept.starts_with("line 1\nline 2\n"));
    EXPECT_TRUE(kept.ends_with("line 499999\nline 500000\n"));
    const std::size_t mark = kept.find('[');
    ASSERT_NE(mark, std::string::npos);
    const std::size_t after = kept.find('\n', mark) + 1;
    const std::size_t missing = printed.size() - mark - (kept.size() - after);
    EXPECT_EQ(kept.substr(mark, after - mark), '[' + std::to_string(missing) + " more bytes]\n");
    EXPECT_TRUE(printed.ends_with(kept.substr(after)));
    EXPECT_TRUE(kept.substr(after).starts_with("line "));
}

}  // namespace
}  // namespace c10k
