// Initial states for the Game of Life, read from the formats that people use.
#pragma once

#include <compare>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace life {

// The largest grid that the game plays, and so the largest pattern that it reads: cells per side.
inline constexpr int kMaxSize = 4096;

struct Position {
    int row = 0;
    int col = 0;

    friend auto operator<=>(const Position&, const Position&) = default;
};

struct Pattern {
    int height = 0;
    int width = 0;
    std::vector<Position> alive;  // row by row, each cell once, all inside height x width
    // Warnings about oddities that the reader accepted: a line each, with the file's name in front.
    std::vector<std::string> warnings = {};
    std::string shipped_name = {};  // such as "gosper"; empty for patterns that are not shipped
};

// A pattern that cannot be read. what() is one line: the file, the line if one is to blame, what is wrong, what to do.
class PatternError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Reads a pattern. The text decides its format (`#Life 1.05`, `#Life 1.06`, an RLE header, `!Name:`), then the file
// name's ending (.rle, .cells, .lif, .life); anything else is plain text, where any character but `.` and space is
// alive. Lines end with LF, CR LF or CR.
//
// Throws: PatternError, which names `file_name`; also for a file that is evidently no pattern, or a pattern in another
// format: a web page, JSON, an archive, a macrocell file, RLE without its header.
Pattern parse_pattern(std::string_view text, std::string_view file_name);

// Reads the pattern in a file, or the shipped one of that name: `gosper`, `Gosper` and `gosper-gun` find gosper.rle.
// A file goes before a shipped name.
//
// Throws: PatternError; for a name that is neither it lists the shipped patterns.
Pattern load_pattern(const std::string& path_or_name, const std::filesystem::path& shipped_folder);

// Reads a shipped pattern, and never another file: for names that a peer chooses.
//
// Throws: PatternError, which lists the shipped patterns.
Pattern load_shipped_pattern(const std::string& name, const std::filesystem::path& shipped_folder);

}  // namespace life
