#include "gameoflife/pattern.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace life;

const std::filesystem::path kShipped =
    std::filesystem::path(__FILE__).parent_path() / "../../demos/gameoflife/patterns";

// The pattern as a drawing: rows of . and O, each ended by a newline.
std::string drawing(const Pattern& pattern) {
    std::vector<std::string> rows(pattern.height, std::string(pattern.width, '.'));
    for (const auto [row, col] : pattern.alive) {
        EXPECT_EQ(rows.at(row).at(col), '.') << "a cell is listed twice";
        rows.at(row).at(col) = 'O';
    }
    std::string text;
    for (const std::string& row : rows) {
        text += row + "\n";
    }
    return text;
}

std::string drawing(std::string_view text, std::string_view file_name) {
    return drawing(parse_pattern(text, file_name));
}

// The message to the user; empty if the pattern is read after all.
std::string complaint(std::string_view text, std::string_view file_name) {
    try {
        parse_pattern(text, file_name);
    } catch (const PatternError& error) {
        return error.what();
    }
    return "";
}

std::string load_complaint(const std::string& path_or_name, const std::filesystem::path& folder = kShipped) {
    try {
        load_pattern(path_or_name, folder);
    } catch (const PatternError& error) {
        return error.what();
    }
    return "";
}

std::string repeat(std::string_view text, int times) {
    std::string repeated;
    for (int i = 0; i < times; ++i) {
        repeated += text;
    }
    return repeated;
}

// A folder of its own for each test, removed at the end.
class PatternFiles : public testing::Test {
protected:
    PatternFiles() {
        std::string name = (std::filesystem::temp_directory_path() / "patterns-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~PatternFiles() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, std::string_view text) const {
        std::ofstream(folder_ / name, std::ios::binary) << text;
        return (folder_ / name).string();
    }

    std::filesystem::path folder_;
};

const std::string kGlider = ".O.\n..O\nOOO\n";

TEST(Plaintext, HoldsForAliveAnyCharacterButDotAndSpace) { EXPECT_EQ(drawing("x .\n#!*\n", "p.txt"), "O..\nOOO\n"); }

TEST(Plaintext, KeepsADotAtTheEndOfARowButNoBlanks) {
    const Pattern pattern = parse_pattern("O..   \nO \t\n", "p");
    EXPECT_EQ(pattern.width, 3);
    EXPECT_EQ(pattern.height, 2);
}

TEST(Plaintext, KeepsEmptyRows) { EXPECT_EQ(drawing("\nO\n\nO\n\n", "p"), ".\nO\n.\nO\n.\n"); }

TEST(Plaintext, ReadsEveryLineEnd) {
    for (const char* text :
         {".O.\r\n..O\r\nOOO", ".O.\n..O\nOOO", ".O.\r..O\rOOO\r", ".O.\r\r\n..O\r\r\nOOO\r\r\n", ".O.\r..O\nOOO"}) {
        EXPECT_EQ(drawing(text, "p"), kGlider);
    }
    EXPECT_EQ(drawing("O\r\rO\r", "p"), "O\n.\nO\n");
}

TEST(Plaintext, CountsACharacterOfSeveralBytesAsOneCell) {
    EXPECT_EQ(drawing("\u2588.\u2588\n.\u00e9\U0001F41E\n", "p"), "O.O\n.OO\n");
}

TEST(Plaintext, SkipsAByteOrderMark) { EXPECT_EQ(drawing("\xEF\xBB\xBF.O.\n..O\nOOO\n", "p"), kGlider); }

TEST(Plaintext, ListsTheCellsRowByRow) {
    const std::vector<Position> expected{{0, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}};
    EXPECT_EQ(parse_pattern(kGlider, "p").alive, expected);
}

TEST(Plaintext, MayBeAllDead) { EXPECT_EQ(drawing("..\n..\n", "p"), "..\n..\n"); }

TEST(Plaintext, ThatIsEmptyIsRefused) {
    EXPECT_EQ(complaint("", "p.txt"), "p.txt: the file is empty; draw the pattern with . and O");
    EXPECT_NE(complaint("\xEF\xBB\xBF", "p.txt"), "");
}

TEST(Plaintext, ThatIsNotTextIsRefusedWithItsLineAndColumn) {
    const std::string problem = " is not text; save the pattern as UTF-8, without tabs";
    EXPECT_EQ(complaint("O\n.\tO\n", "p"), "p:2: column 2" + problem);
    EXPECT_EQ(complaint(std::string_view("O\0O", 3), "p"), "p:1: column 2" + problem);
    EXPECT_EQ(complaint("\x1B[31mO", "p"), "p:1: column 1" + problem);
    EXPECT_EQ(complaint("O.\xB7.\n", "p"), "p:1: column 3" + problem);  // Latin-1
    EXPECT_EQ(complaint("O\fO\n", "p"), "p:1: column 2" + problem);
}

TEST(Plaintext, MayBeAsLargeAsTheLargestGridAndNoLarger) {
    const Pattern largest = parse_pattern(repeat("O\n", kMaxSize - 1) + repeat("O", kMaxSize), "p");
    EXPECT_EQ(largest.height, kMaxSize);
    EXPECT_EQ(largest.width, kMaxSize);
    EXPECT_EQ(complaint(repeat("O\n", kMaxSize + 1), "p").find("p:4097: more than 4096 rows"), 0u);
    EXPECT_EQ(complaint("O\n" + repeat("O", kMaxSize + 1), "p").find("p:2: more than 4096 columns"), 0u);
}

TEST(Cells, SkipsTheCommentsOfAFileOfThatName) {
    EXPECT_EQ(drawing("!\n.O.\n! in the middle\n..O\nOOO\n", "Glider.CELLS"), kGlider);
}

TEST(Cells, IsKnownByItsNameLineWhateverTheFileIsCalled) {
    EXPECT_EQ(drawing("!Name: Glider\n!\n.O.\n..O\nOOO\n", "glider.txt"), kGlider);
}

TEST(Cells, CommentsAreCellsInPlainText) { EXPECT_EQ(drawing("!.!\n", "p.txt"), "O.O\n"); }

TEST(Cells, CountsCommentsInTheLineOfAnError) {
    EXPECT_EQ(complaint("!\n!\nO\x01\n", "p.cells").find("p.cells:3: column 2"), 0u);
}

TEST(Rle, ReadsRunsRowsAndTheEnd) { EXPECT_EQ(drawing("x = 3, y = 3, rule = B3/S23\nbo$2bo$3o!", "p.rle"), kGlider); }

TEST(Rle, IsKnownByItsHeaderWhateverTheFileIsCalled) {
    for (const char* name : {"p", "p.txt", "p.cells", "p.lif"}) {
        EXPECT_EQ(drawing("#N Glider\n\n#C text\nx=3,y=3\nbo$2bo$3o!", name), kGlider);
    }
}

TEST(Rle, RepeatsRowEnds) { EXPECT_EQ(drawing("x = 2, y = 5, rule = B3/S23\no3$bo$!\n", "p"), "O.\n..\n..\n.O\n..\n"); }

TEST(Rle, MayBeBrokenIntoLinesAnywhere) {
    EXPECT_EQ(drawing("x = 12, y = 2\n\n1\r\n2\n o\n$\n#C between\n 1\t1b\no\n!", "p"), "OOOOOOOOOOOO\n...........O\n");
}

TEST(Rle, IgnoresWhatFollowsTheEnd) { EXPECT_EQ(drawing("x = 1, y = 1\no! 3 words?\nmore\n", "p"), "O\n"); }

TEST(Rle, TakesItsSizeFromTheHeader) {
    EXPECT_EQ(drawing("x = 4, y = 3\no!", "p"), "O...\n....\n....\n");
    EXPECT_EQ(drawing("x = 0, y = 0, rule = B3/S23\n!", "p"), "");
}

TEST(Rle, ForgivesDeadCellsOutsideTheHeadersSize) { EXPECT_EQ(drawing("x = 1, y = 1\no5b$9b$!", "p"), "O\n"); }

TEST(Rle, KnowsConwaysRuleInEachSpelling) {
    for (const char* rule :
         {"B3/S23", "b3/s23", "23/3", "B3/S23:T64,64", "b3/s23:p64,32", "B3/S23:T64", "23/3:P9 ", "S23/B3", "s23/b3",
          "B3S23", "b3s23", "S23B3", "B3/S32", "S32/B33", "32/3", "B3/23", "23/B3", "S32B3:T9,9"}) {
        EXPECT_EQ(drawing(std::string("x = 1, y = 1, rule = ") + rule + "\no!", "p"), "O\n") << rule;
        EXPECT_EQ(drawing(std::string("#r\t") + rule + "\nx = 1, y = 1\no!", "p"), "O\n") << rule;
        EXPECT_EQ(drawing(std::string("#Life 1.05\n#R ") + rule + "\n#P 0 0\n*\n", "p"), "O\n") << rule;
    }
}

TEST(Rle, RefusesAnotherRule) {
    EXPECT_EQ(complaint("#C\nx = 1, y = 1, rule = B36/S23\no!", "p.rle"),
              "p.rle:2: the rule is 'B36/S23', but this game plays B3/S23 only; choose another pattern");
    for (const char* rule :
         {"",        "B3/S2",   "B3/S234",  "23/36",   "WireWorld", "B3/S23:K9,9", "B3/S23:T9+1,9", "B3/S23:",
          "B3/S23H", "3/23",    "B3",       "S23",     "B23/S3",    "B3S2S3",      "B3B3/S23",      "233",
          "/",       "B3//S23", "B3/S23/2", "B3/S23V", "B3_S23",    "LifeHistory", "B3/S2-k3"}) {
        const std::string text = std::string("x = 1, y = 1, rule = ") + rule + "\no!";
        EXPECT_EQ(complaint(text, "p").find("p:1: the rule is '"), 0u) << rule;
    }
}

TEST(Rle, RefusesAnotherRuleInAComment) {
    EXPECT_EQ(drawing("#r 23/3\nx = 1, y = 1\no!", "p"), "O\n");
    EXPECT_EQ(complaint("#r 23/36\nx = 1, y = 1\no!", "p").find("p:1: the rule is '23/36'"), 0u);
    EXPECT_EQ(complaint("x = 1, y = 1\n#r 23/36\no!", "p").find("p:2: the rule is '23/36'"), 0u);
    EXPECT_EQ(complaint("#r\t23/36\nx = 1, y = 1\no!", "p").find("p:1: the rule is '23/36'"), 0u);
    EXPECT_EQ(drawing("#rotor of 23/36\nx = 1, y = 1\no!", "p"), "O\n");
}

TEST(Rle, RefusesABadHeader) {
    const std::string problem =
        ": expected an RLE header, `x = WIDTH, y = HEIGHT, rule = B3/S23`, each size at most 4096";
    for (const char* header :
         {"x = 4097, y = 1", "x = 1, y = 4097", "x = -1, y = 1", "x = 1, y = -1", "x = 1", "x = 1,", "x = 1, y",
          "x = 1, y = ", "x = 99999999999999999999, y = 1", "x = 1, y = 4294967297"}) {
        EXPECT_EQ(complaint(std::string(header) + "\no!", "p"), "p:1" + problem) << header;
    }
    EXPECT_EQ(complaint("\n#C\nbo$2bo$3oq!", "p.rle"), "p.rle:3" + problem);
    EXPECT_EQ(complaint("x = 1, y = 1 o!", "p"), "p:1: expected `, rule = B3/S23` instead of 'o!'");
    EXPECT_EQ(complaint("#C only\n", "p.rle").find("p.rle:1: no RLE header"), 0u);
}

TEST(Rle, RefusesABadBody) {
    const auto body = [](const std::string& runs) { return complaint("x = 2, y = 2\n" + runs, "p"); };
    EXPECT_EQ(body("o\n*!"), "p:3: unexpected '*'; an RLE pattern has counts, b, o, $ and !");
    EXPECT_EQ(body("o\x1B!"), "p:2: unexpected '?'; an RLE pattern has counts, b, o, $ and !");
    EXPECT_EQ(body("-1o!").find("p:2: unexpected '-'"), 0u);
    EXPECT_EQ(body("oz!").find("p:2: unexpected 'z'"), 0u);
    EXPECT_EQ(body("on!").find("p:2: unexpected 'n'"), 0u);
    EXPECT_EQ(body("0o!").find("p:2: a count that begins with 0"), 0u);
    EXPECT_EQ(body("o2!").find("p:2: a count before '!'"), 0u);
    EXPECT_EQ(body("oo$2"), "p:2: the file ends in the middle of a run; fetch the whole of it");
}

TEST(Rle, ReadsWhatOtherGamesCallTheirFirstTwoStates) {
    EXPECT_EQ(drawing("x = 3, y = 3, rule = B3/S23\n.A$2.A$3A!", "p"), kGlider);
    EXPECT_EQ(drawing("x = 3, y = 3\n.A$2bx$xyo!", "p"), kGlider);
    EXPECT_EQ(complaint("x = 3, y = 3\n.A$2.B!", "p"),
              "p:2: the cell 'B' is in a third state, and Conway's game has two; choose another pattern");
    EXPECT_EQ(complaint("x = 3, y = 3\n2.3pA!", "p"),
              "p:2: the cell 'pA' is in a third state, and Conway's game has two; choose another pattern");
    EXPECT_EQ(complaint("x = 3, y = 3\n2.3yX!", "p").find("p:2: the cell 'yX'"), 0u);
}

TEST(Rle, WarnsOfAFileWithoutAnEnd) {
    const Pattern pattern = parse_pattern("x = 3, y = 3\nbo$2bo$\n3o\n", "p.rle");
    EXPECT_EQ(drawing(pattern), kGlider);
    EXPECT_EQ(pattern.warnings, std::vector<std::string>{"p.rle:3: the file ends without a '!', perhaps too early"});
    EXPECT_EQ(parse_pattern("x = 3, y = 3", "p.rle").warnings.size(), 1u);
    EXPECT_TRUE(parse_pattern("x = 3, y = 3\nbo$2bo$3o!", "p.rle").warnings.empty());
}

TEST(Rle, WarnsOfAHeaderThatIsSmallerThanThePattern) {
    const Pattern pattern = parse_pattern("#C\nx = 2, y = 1\nbo$2bo$3o!", "p.rle");
    EXPECT_EQ(drawing(pattern), kGlider);
    EXPECT_EQ(pattern.warnings, std::vector<std::string>{"p.rle:2: the header says x = 2, y = 1, but the pattern needs "
                                                         "x = 3, y = 3, and has got it"});
    EXPECT_EQ(drawing("x = 2, y = 2\n2$o!", "p"), "..\n..\nO.\n");
}

TEST(Rle, IsRefusedWithoutAHeaderWhichIsSpelledOut) {
    const std::string problem =
        ": an RLE pattern without a header; write `x = 3, y = 3, rule = B3/S23` in a line before it";
    for (const char* name : {"p", "p.txt", "p.cells", "p.rle", "p.lif"}) {
        EXPECT_EQ(complaint("bo$2bo$3o!", name), name + problem);
        EXPECT_EQ(complaint("#C a comment\n\nbo$2bo\n$3o! Glider\n", name), name + problem);
        EXPECT_EQ(complaint(".A$2.A$3A!", name), name + problem);
        EXPECT_EQ(complaint("bo$2bo$3o", name), name + problem);
    }
    for (const char* picture : {"oo\noo\n", "bob\n", "O!O\n", ".$.\n$$.\n", "o.$o\n", "22\n22\n"}) {
        EXPECT_EQ(complaint(picture, "p.txt"), "") << picture;
    }
}

TEST(Rle, RefusesCountsThatOverflow) {
    const auto body = [](const std::string& runs) { return complaint("x = 4096, y = 4096\n" + runs, "p"); };
    const std::string count = "p:2: a count over 4096, the largest grid has no room for it; cut the pattern";
    const std::string beyond =
        "p:2: a cell beyond 4096 rows or columns, the largest grid has no room for it; cut the pattern";
    EXPECT_EQ(body("4097o!"), count);
    EXPECT_EQ(body("4294967297o!"), count);
    EXPECT_EQ(body("18446744073709551617$!"), count);
    EXPECT_EQ(body(std::string(100000, '9') + "b!"), count);
    EXPECT_EQ(body("4096bb!"), beyond);
    EXPECT_EQ(body("4096$$!"), beyond);
    EXPECT_EQ(body(repeat("4096b", 1000000) + "!"), beyond);
    EXPECT_EQ(body("4096o$4096b4094$4095bo!"), "");
}

TEST(Life106, ReadsCoordinatesAnywhereInThePlane) {
    EXPECT_EQ(drawing("#Life 1.06\n0 -1\n1 0\n-1 1\n0 1\n1 1\n", "p.lif"), kGlider);
    EXPECT_EQ(drawing("#Life 1.06\n2147483647 -2147483648\n2147483646 -2147483647\n", "p"), ".O\nO.\n");
}

TEST(Life106, IsKnownByItsFirstLineWhateverTheFileIsCalled) {
    for (const char* name : {"p", "p.rle", "p.cells", "p.txt"}) {
        EXPECT_EQ(drawing("#Life 1.06\r\n# a comment\r\n\r\n  5\t5 \r\n", name), "O\n");
    }
}

TEST(Life106, CountsACellOnceThatIsListedTwice) {
    EXPECT_EQ(parse_pattern("#Life 1.06\n3 3\n4 4\n3 3\n", "p").alive, (std::vector<Position>{{0, 0}, {1, 1}}));
}

TEST(Life106, MayBeAllDead) { EXPECT_EQ(drawing("#Life 1.06\n", "p"), ""); }

TEST(Life, RefusesOtherVersions) {
    const std::string problem =
        "p.lif:1: expected `#Life 1.05` or `#Life 1.06`; save the pattern as one of these or RLE";
    EXPECT_EQ(complaint("#Life 1.07\n#P 0 0\n***\n", "p.lif"), problem);
    EXPECT_EQ(complaint("0 0\n", "p.lif"), problem);
}

TEST(Life105, ReadsBlocksAnywhereInThePlane) {
    EXPECT_EQ(drawing("#Life 1.05\n#D Glider\n#N\n#P -1 -1\n.*\n..*\n***\n", "p.lif"), kGlider);
    EXPECT_EQ(drawing("#Life 1.05\r\n#P -1 -1\r\n.*.\r\n#P 0 0\r\n.*\r\n#P\t-1\t1\r\n***\r\n", "p"), kGlider);
    EXPECT_EQ(drawing("#P 2147483646 -2147483648\n.*\n*\n", "p.lif"), ".O\nO.\n");
    EXPECT_EQ(drawing("#Life 1.05\n#P 0 0\n**\n#P 1 0\n**\n", "p"), "OOO\n");  // one over the other
    EXPECT_EQ(drawing("#Life 1.05\n#P 0 0\n*\n\n.\n*\n", "p"), "O\n.\nO\n");
    EXPECT_EQ(drawing("#Life 1.05\n#P\n.*\n..*\n***\n", "p"), kGlider);
    EXPECT_EQ(drawing("#Life 1.05\n", "p"), "");
}

TEST(Life105, RefusesWhatItCannotPlay) {
    EXPECT_EQ(complaint("#Life 1.05\n#R 23/36\n#P 0 0\n*\n", "p").find("p:2: the rule is '23/36'"), 0u);
    EXPECT_EQ(complaint("#Life 1.05\n#P 0\n*\n", "p"), "p:2: expected `#P X Y` instead of '#P 0'");
    EXPECT_EQ(complaint("#Life 1.05\n#P 0 0\n*O\n", "p"), "p:3: unexpected 'O'; a Life 1.05 pattern has . and *");
    EXPECT_EQ(complaint("#Life 1.05\n#P 0 0\n*\n#P 4096 0\n*\n", "p").find("p:5: the cell is too far"), 0u);
    EXPECT_EQ(complaint("#Life 1.05\n#P -2147483648 0\n*\n#P 2147483647 0\n*\n", "p").find("p:5: the cell is too"), 0u);
}

TEST(OtherFormats, AreRefusedByNameInsteadOfPlayed) {
    const auto begins = [](std::string_view text, std::string_view problem) {
        for (const char* name : {"p", "p.txt", "p.rle", "p.cells", "p.lif"}) {
            EXPECT_EQ(complaint(text, name).find(std::string(name) + ": " + std::string(problem)), 0u) << text;
        }
    };
    begins("[M2] (golly 3.3)\n#R B3/S23\n$$..*$...*$.***$$$$\n4 0 0 0 1\n", "a macrocell file; open it in Golly");
    for (const char* page : {"<!DOCTYPE html>\n<html>\n", "\n  <html><body>404</body></html>", "<?xml version='1.0'?>",
                             "<!-- moved --><a href='x'>", "<a\nhref='x'>", "<P>Not found</P>"}) {
        begins(page, "a web page (HTML); fetch the pattern itself");
    }
    for (const char* json :
         {"{\"error\": 404}", "[[0,1],[1,0]]\n", " {\n \"cells\": [] }\n", "{}", "[]", "[[1]]", "[\"O.O\"]"}) {
        begins(json, "JSON; save the pattern as RLE");
    }
    begins("#MCell 4.00\n#GAME Life\n#L .A\n", "a file of MCell's");
    begins("\x1F\x8B\x08", "compressed with gzip; unpack it");
    begins("PK\x03\x04", "a zip archive; unpack it");
    begins("xq4_153\n", "an apgcode; fetch the pattern as RLE");
    EXPECT_EQ(complaint("OO\n", "p.mc").find("p.mc: .mc is no format that this reads"), 0u);
}

TEST(OtherFormats, AreNotSeenInDrawings) {
    for (const char* picture :
         {"<.\n.<\n", "<x>\n", "<Hx>.<>\n", "<a.>\n", "[[..]]\n", "{..}\n", "[]x\n", "xs_1\n", "<>\n", "x.x\n"}) {
        EXPECT_EQ(complaint(picture, "p.txt"), "") << picture;
    }
}

TEST(Life106, RefusesWhatIsNoPairOfNumbers) {
    for (const char* line :
         {"1", "1 2 3", "1,2", "a b", "1 2.5", "1 -", "--1 2", "0x1 2", "2147483648 0", "0 99999999999999999999"}) {
        EXPECT_EQ(complaint(std::string("#Life 1.06\n0 0\n") + line + "\n", "p"),
                  "p:3: expected two whole numbers, `X Y`, instead of '" + std::string(line) + "'");
    }
}

TEST(Life106, RefusesCellsTooFarApart) {
    EXPECT_EQ(complaint("#Life 1.06\n0 0\n4095 4095\n", "p"), "");
    const std::string problem =
        "p:3: the cell is too far from another, the largest grid has no room for both; cut the pattern";
    EXPECT_EQ(complaint("#Life 1.06\n0 0\n4096 0\n", "p"), problem);
    EXPECT_EQ(complaint("#Life 1.06\n0 1\n0 -4095\n", "p"), problem);
    EXPECT_EQ(complaint("#Life 1.06\n-2147483648 0\n2147483647 0\n", "p"), problem);
}

TEST(PatternErrors, QuoteLongAndUnprintableTextSafely) {
    const std::string rule = "\x1B[31m" + std::string(1000, 'x');
    EXPECT_EQ(complaint("x = 1, y = 1, rule = " + rule + "\no!", "p"),
              "p:1: the rule is '?[31m" + std::string(35, 'x') +
                  "...', but this game plays B3/S23 only; choose another pattern");
}

TEST(PatternErrors, AreAllThatDamageToAFileCanCause) {
    const std::vector<std::string> whole{
        "#N Glider\n#r 23/3\nx = 3, y = 3, rule = B3/S23:T9,9\nbo$2bo$3o!\n",
        "#Life 1.06\n# a comment\n0 -1\n1 0\n-1 1\n0 1\n1 1\n",
        "#Life 1.05\n#D Glider\r#R\t23/3\n#P -1 -1\n.*\n..*\r\n***\n",
        "x = 3, y = 2, rule = s23/b3\r.A$2.A$2xy",
        "!Name: Glider\n.O.\n..O\nOO\u2588\n",
    };
    for (const std::string& text : whole) {
        ASSERT_EQ(complaint(text, "p"), "");
        for (std::size_t at = 0; at < text.size(); ++at) {
            complaint(text.substr(0, at), "p");
            for (int byte = 0; byte < 256; ++byte) {
                std::string damaged = text;
                damaged[at] = static_cast<char>(byte);
                complaint(damaged, "p");  // any other exception ends the test
            }
        }
    }
}

TEST(ShippedPatterns, AreFoundByNameInAnyCase) {
    const Pattern gun = load_pattern("gosper", kShipped);
    EXPECT_EQ(gun.width, 36);
    EXPECT_EQ(gun.height, 9);
    EXPECT_EQ(gun.alive.size(), 36u);
    for (const char* name : {"Gosper", "GOSPER.RLE", "gosper-gun", "Gosper_Glider Gun", "glider-gun"}) {
        EXPECT_EQ(load_pattern(name, kShipped).alive, gun.alive) << name;
    }
    EXPECT_EQ(load_pattern("lightweight spaceship", kShipped).alive, load_pattern("lwss", kShipped).alive);
}

TEST(ShippedPatterns, ComeInEachFormatAndHaveTheirKnownPopulations) {
    EXPECT_EQ(drawing(load_pattern("glider", kShipped)), kGlider);
    EXPECT_EQ(drawing(load_pattern("acorn", kShipped)), ".O.....\n...O...\nOO..OOO\n");
    EXPECT_EQ(drawing(load_pattern("lwss", kShipped)), ".O..O\nO....\nO...O\nOOOO.\n");
    EXPECT_EQ(load_pattern("blinker", kShipped).alive.size(), 3u);
    EXPECT_EQ(load_pattern("toad", kShipped).alive.size(), 6u);
    EXPECT_EQ(load_pattern("beacon", kShipped).alive.size(), 8u);
    EXPECT_EQ(load_pattern("pulsar", kShipped).alive.size(), 48u);
    EXPECT_EQ(load_pattern("mwss", kShipped).alive.size(), 11u);
    EXPECT_EQ(load_pattern("hwss", kShipped).alive.size(), 13u);
    EXPECT_EQ(load_pattern("Simkin glider gun", kShipped).alive.size(), 36u);
    EXPECT_EQ(load_pattern("r-pentomino", kShipped).alive.size(), 5u);
    EXPECT_EQ(load_pattern("switch engine", kShipped).alive.size(), 13u);
    EXPECT_EQ(load_pattern("copperhead", kShipped).alive.size(), 28u);
    EXPECT_EQ(load_pattern("galaxy", kShipped).alive.size(), 48u);
    EXPECT_EQ(load_pattern("pentadecathlon", kShipped).alive.size(), 12u);
    EXPECT_EQ(load_pattern("diehard", kShipped).alive.size(), 7u);
}

TEST(ShippedPatterns, AreListedWhenANameIsUnknown) {
    EXPECT_EQ(load_complaint("gospel"),
              "'gospel' is neither a file nor a shipped pattern; shipped are: acorn, beacon, "
              "blinker, copperhead, diehard, galaxy, glider, gosper, hwss, lwss, mwss, pentadecathlon, "
              "pulsar, r-pentomino, simkin, switch-engine, toad");
    EXPECT_NE(load_complaint(""), "");
    EXPECT_NE(load_complaint("../patterns/gosper"), "");
    EXPECT_NE(load_complaint(std::string(100000, 'x')), "");
}

TEST(ShippedPatterns, HaveTheirNameWhateverTheyWereAskedForAs) {
    EXPECT_EQ(load_pattern("Gosper glider gun", kShipped).shipped_name, "gosper");
    EXPECT_EQ(load_shipped_pattern("LWSS", kShipped).shipped_name, "lwss");
}

TEST_F(PatternFiles, AreNeverReadWhereOnlyShippedPatternsMayBe) {
    write("mine.cells", "OO\n");
    const std::string path = (folder_ / "mine.cells").string();
    EXPECT_EQ(load_pattern(path, kShipped).shipped_name, "");
    for (const std::string& name : {path, std::string{"/etc/hostname"}, (kShipped / "glider.cells").string()}) {
        try {
            load_shipped_pattern(name, kShipped);
            ADD_FAILURE() << name;
        } catch (const PatternError& error) {
            EXPECT_NE(std::string{error.what()}.find("is no shipped pattern; shipped are: "), std::string::npos);
        }
    }
}

TEST_F(PatternFiles, GoBeforeShippedPatterns) {
    write("glider.cells", "OO\n");
    EXPECT_EQ(drawing(load_pattern((folder_ / "glider.cells").string(), kShipped)), "OO\n");
}

// The living cells that bgolly, a program of Golly's, finds in the same file; both without what is empty around.
std::string drawing_by_golly(const std::string& path) {
    const std::string made = path + ".golly.rle";
    const std::string command = "bgolly -q -q -m 0 -o '" + made + "' '" + path + "' >/dev/null 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << path;
    return drawing(load_pattern(made, kShipped));
}

Pattern cropped(Pattern pattern) {
    Position first{kMaxSize, kMaxSize};
    Position last{-1, -1};
    for (const auto [row, col] : pattern.alive) {
        first = {std::min(first.row, row), std::min(first.col, col)};
        last = {std::max(last.row, row), std::max(last.col, col)};
    }
    for (Position& cell : pattern.alive) {
        cell = {cell.row - first.row, cell.col - first.col};
    }
    pattern.height = last.row - first.row + 1;
    pattern.width = last.col - first.col + 1;
    return pattern;
}

TEST_F(PatternFiles, AreReadAsGollyReadsThem) {
    if (std::system("command -v bgolly >/dev/null") != 0) {
        GTEST_SKIP() << "bgolly is not there: apt-get install golly";
    }
    const std::vector<std::pair<std::string, std::string>> files{
        {"states.rle", "x = 3, y = 3, rule = B3/S23\n.A$2.A$3A!"},
        {"letters.rle", "x = 3, y = 3\n.x$bby$xpo!"},
        {"mac.rle", "#C a glider\rx = 3, y = 3\rbo$2bo$\r3o!\r"},
        {"endless.rle", "x = 3, y = 3\nbo$2bo$3o\n"},
        {"small.rle", "x = 1, y = 1, rule = S23/B3\nbo$2bo$3o!"},
        {"tab.rle", "#r\t23/3\nx = 3, y = 3\nbo$2bo$3o!"},
        {"spelled.rle", "x=3,y=3,rule=b3s32\nbo$2bo$3o!"},
        {"bounded.rle", "x = 3, y = 3, rule = B3/S23:T64,64\nbo$2bo$3o!"},
        {"blocks.lif", "#Life 1.05\n#D blocks\n#N\n#P -1 -1\n*.*\n.*\n#P 5 5\n**\n#P -20 3\n.*.*\n\n*\n"},
        {"dos.lif", "#Life 1.05\r\n#R 23/3\r\n#P 0 0\r\n.*.\r\n..*\r\n***\r\n"},
        {"points.lif", "#Life 1.06\n0 -1\n1 0\n-1 1\n0 1\n1 1\n"},
        {"drawn.cells", "!Name: Glider\n!\n.O.\n..O\nOOO\n"},
    };
    for (const auto& [name, text] : files) {
        const std::string path = write(name, text);
        EXPECT_EQ(drawing(cropped(load_pattern(path, kShipped))), drawing_by_golly(path)) << name;
    }
    for (const auto& shipped : std::filesystem::directory_iterator{kShipped}) {
        const std::string path = write(shipped.path().filename(), "");
        std::filesystem::copy_file(shipped.path(), path, std::filesystem::copy_options::overwrite_existing);
        EXPECT_EQ(drawing(cropped(load_pattern(path, kShipped))), drawing_by_golly(path)) << path;
    }
}

TEST_F(PatternFiles, AreNamedInErrors) {
    const std::string path = write("bad.rle", "x = 1, y = 1\n*!");
    EXPECT_EQ(load_complaint(path).find(path + ":2: unexpected '*'"), 0u);
}

TEST_F(PatternFiles, HaveAFormatByTheirEnding) {
    EXPECT_EQ(drawing(load_pattern(write("p.cells", "!\nO\n"), kShipped)), "O\n");
    EXPECT_EQ(drawing(load_pattern(write("p.txt", "!\nO\n"), kShipped)), "O\nO\n");
}

TEST_F(PatternFiles, ThatAreTooLargeAreRefused) {
    const std::string path = write("p", "");
    std::filesystem::resize_file(path, (64 << 20) + 1);
    EXPECT_EQ(load_complaint(path), path + ": larger than 64 MiB; is it a pattern?");
}

TEST_F(PatternFiles, ThatCannotBeOpenedAreRefused) {
    if (geteuid() == 0) {
        GTEST_SKIP() << "root may open every file";
    }
    const std::string path = write("p", "O\n");
    std::filesystem::permissions(path, std::filesystem::perms::none);
    EXPECT_EQ(load_complaint(path), path + ": cannot be read: Permission denied");
}

TEST_F(PatternFiles, ThatCannotBeReadToTheEndAreRefused) {
    EXPECT_EQ(load_complaint("/proc/self/mem"), "/proc/self/mem: cannot be read: Input/output error");
}

TEST_F(PatternFiles, AFolderIsNone) {
    EXPECT_NE(load_complaint(folder_.string()).find("is neither a file nor a shipped pattern"), std::string::npos);
}

TEST_F(PatternFiles, AnEmptyOrMissingFolderShipsNone) {
    const std::string problem = "'glider' is neither a file nor a shipped pattern; shipped are: none, as ";
    EXPECT_EQ(load_complaint("glider", folder_), problem + folder_.string() + " is empty");
    EXPECT_NE(load_complaint("glider", folder_ / "missing"), "");
}

}  // namespace
