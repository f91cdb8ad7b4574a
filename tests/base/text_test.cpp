#include "base/text.hpp"

#include "c10k/text.hpp"

#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>

namespace c10k {
namespace {

using Members = std::vector<std::string_view>;

TEST(Text, TrimTakesSpacesAndTabsOffBothEnds) {
    EXPECT_EQ(trim(" \t a b\t "), "a b");
    EXPECT_EQ(trim(" \t "), "");
    EXPECT_EQ(trim(""), "");
    EXPECT_EQ(trim("\na\n"), "\na\n");
}

TEST(Text, IequalsIgnoresTheCaseOfAsciiLettersOnly) {
    EXPECT_TRUE(iequals("WebSocket", "websocket"));
    EXPECT_FALSE(iequals("websocket", "websockets"));
    EXPECT_FALSE(iequals("[", "{"));  // differ by the same bit as "A" and "a"
    EXPECT_FALSE(iequals("\xc4", "\xe4"));
}

TEST(Text, TokensAreNeitherEmptyNorHoldDelimiters) {
    EXPECT_TRUE(is_token("Sec-WebSocket-Key"));
    EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09"));
    for (const std::string_view text :
         {"", " ", "a b", "a,b", "a:b", "a;b", "a/b", "(a)", "\"a\"", "\x7f", "\xc3\xa9"}) {
        EXPECT_FALSE(is_token(text)) << text;
    }
    EXPECT_FALSE(is_token(std::string_view{"\0", 1}));
}

TEST(Text, SplitListDropsSpaceAndEmptyMembers) {
    EXPECT_EQ(split_list("a, b\t,,c , "), (Members{"a", "b", "c"}));
    EXPECT_EQ(split_list(""), Members{});
    EXPECT_EQ(split_list(" , ,"), Members{});
}

TEST(Text, ToNumberTakesDecimalDigitsAndNothingElse) {
    EXPECT_EQ(to_number<int>("0"), 0);
    EXPECT_EQ(to_number<int>("007"), 7);
    EXPECT_EQ(to_number<std::uint64_t>("18446744073709551615"), 18446744073709551615u);
    for (const std::string_view text :
         {"", "+5", "-5", " 5", "5 ", "0x5", "1_0", "5,5", "1e3", "18446744073709551616"}) {
        EXPECT_EQ(to_number<std::uint64_t>(text), std::nullopt) << text;
        EXPECT_EQ(to_number<int>(text), std::nullopt) << text;
    }
    EXPECT_EQ(to_number<std::uint8_t>("256"), std::nullopt);
}

TEST(Text, PercentDecodeLeavesWhatIsNoEscape) {
    EXPECT_EQ(percent_decode("a%20b%2Fc%2f"), "a b/c/");
    EXPECT_EQ(percent_decode("100%, %, %4, %zz, %%41"), "100%, %, %4, %zz, %A");
    EXPECT_EQ(percent_decode("%2541"), "%41");  // once only
    EXPECT_EQ(percent_decode("a+b"), "a+b");
}

TEST(Text, PercentEncodeKeepsTheUnreservedAndTheSafe) {
    EXPECT_EQ(percent_encode("/a b/\xc3\xa9?\r\n"), "/a%20b/%C3%A9%3F%0D%0A");
    EXPECT_EQ(percent_encode("a/b-._~", ""), "a%2Fb-._~");
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text(1, static_cast<char>(byte));
        EXPECT_EQ(percent_decode(percent_encode(text)), text);
    }
}

TEST(Text, HtmlEscapeLeavesNoMarkup) {
    EXPECT_EQ(html_escape("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;&#x27;&lt;/a&gt;");
    EXPECT_EQ(html_escape("plain \xc3\xa9"), "plain \xc3\xa9");
}

// Unicode 15, 3.9, tables 3-8 to 3-11.
TEST(Text, RepairUtf8ReplacesEachMaximalPartThatIsNoUtf8) {
    const std::string bad = "\xef\xbf\xbd";
    EXPECT_EQ(repair_utf8("z\xc3\x9f\xe6\xb0\xb4\xf0\x9f\x8d\x8c"), "z\xc3\x9f\xe6\xb0\xb4\xf0\x9f\x8d\x8c");
    EXPECT_EQ(repair_utf8("\xc0\xaf"), bad + bad);                      // a long form
    EXPECT_EQ(repair_utf8("\xed\xa0\x80"), bad + bad + bad);            // a surrogate
    EXPECT_EQ(repair_utf8("\xf4\x91\x92\x93"), bad + bad + bad + bad);  // above U+10FFFF
    EXPECT_EQ(repair_utf8("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf");
    EXPECT_EQ(repair_utf8("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
                          "A"),
              bad + bad + bad + bad + "A");  // cut
    EXPECT_EQ(repair_utf8("\xe1\x80"), bad);
    EXPECT_EQ(repair_utf8("\x80\xff"), bad + bad);
}

TEST(Text, PrintableLeavesWhatATerminalOnlyShows) {
    for (const std::string_view text :
         {"", "plain ASCII ~", "naïve, 日本語, \U0001F980, e\u0301", "back\\slash \\x1b"}) {
        EXPECT_EQ(printable(text), text);
    }
}

TEST(Text, PrintableEscapesWhatATerminalObeys) {
    EXPECT_EQ(printable("\x1b]0;title\x07\x1b[2J"), "\\x1b]0;title\\x07\\x1b[2J");
    EXPECT_EQ(printable(std::string_view{"a\0b\r\n\tc\x7f", 8}), "a\\x00b\\r\\n\\tc\\x7f");
    EXPECT_EQ(printable("C1: \xc2\x80 \xc2\x9b"
                        "31m \xc2\x9f, not \xc2\xa0"),
              "C1: \\u0080 \\u009b31m \\u009f, not \xc2\xa0");
    EXPECT_EQ(printable("\u202e\u2066\u200f\u061c\u2028"), "\\u202e\\u2066\\u200f\\u061c\\u2028");
}

TEST(Text, PrintableEscapesBytesThatAreNoUtf8) {
    EXPECT_EQ(printable("\x9b"
                        "31m \xff \xe2\x82 \xed\xa0\x80 \xc0\x80"),
              "\\x9b31m \\xff \\xe2\\x82 \\xed\\xa0\\x80 \\xc0\\x80");
}

TEST(Text, PrintableLeavesWhatItHasEscaped) {
    std::string bytes;
    for (int c = 0; c < 256; ++c) {
        bytes += static_cast<char>(c);
    }
    const std::string once = printable(bytes);
    EXPECT_EQ(printable(once), once);
}

TEST(ParseTime, TakesNumbersWithAUnit) {
    using namespace std::chrono_literals;
    EXPECT_EQ(parse_time("250ms"), 250ms);
    EXPECT_EQ(parse_time("10"), 10s);
    EXPECT_EQ(parse_time("10 s"), 10s);
    EXPECT_EQ(parse_time("1.5m"), 90s);
    EXPECT_EQ(parse_time("1h"), 1h);
    EXPECT_EQ(parse_time("2d"), 48h);
    EXPECT_EQ(parse_time("0.001"), 1ms);
    EXPECT_EQ(parse_time("4294967295d"), 24h * 4294967295);
}

TEST(ParseTime, Row80TakesNothingElse) {
    for (const char* text : {"",
                             " ",
                             "s",
                             "h",
                             "-1s",
                             "+1s",
                             "1e3",
                             "nan",
                             "inf",
                             "0x1s",
                             "1..5s",
                             "1.s",
                             ".5s",
                             "0.0001s",
                             "1.1234567891d",
                             "4294967296s",
                             "99999999999999999999",
                             "1h30m",
                             "1H",
                             "1 0s",
                             "1sec",
                             "１s",
                             "1s\u00a0"}) {
        EXPECT_EQ(parse_time(text), std::nullopt) << text;
    }
}

TEST(Text, IsAsciiUnlessAnyByteHasItsHighBit) {
    for (std::size_t size = 0; size < 20; ++size) {
        std::string text(size, '\x7f');
        EXPECT_TRUE(is_ascii(text));
        for (std::size_t at = 0; at < size; ++at) {
            text[at] = '\x80';
            EXPECT_FALSE(is_ascii(text)) << at << " of " << size;
            text[at] = 'a';
        }
    }
}

TEST(Text, IsOneWordOfAShellWhateverItHolds) {
    EXPECT_EQ(quoted_for_shell("/srv/my-site_2.0"), "/srv/my-site_2.0");
    EXPECT_EQ(quoted_for_shell(""), "''");
    EXPECT_EQ(quoted_for_shell("two words"), "'two words'");
    EXPECT_EQ(quoted_for_shell("it's $HOME"), "'it'\\''s $HOME'");
}

}  // namespace
}  // namespace c10k
