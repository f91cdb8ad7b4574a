#include "pattern.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

namespace life {
namespace {

constexpr std::size_t kMaxFileBytes = 64 << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlanks = " \t\r\v\f";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return kBlanks.find(c) != std::string_view::npos; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

std::string lower(std::string_view text) {
    std::string lowered(text);
    for (char& c : lowered) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return lowered;
}

std::string_view trim_end(std::string_view text) { return text.substr(0, text.find_last_not_of(kBlanks) + 1); }

std::string_view trim_start(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(kBlanks), text.size()));
}

// A piece of a file as it may be shown in a terminal: short and printable.
std::string quote(std::string_view text) {
    constexpr std::size_t kShown = 40;
    std::string shown(text.substr(0, kShown));
    std::replace_if(shown.begin(), shown.end(), is_control, '?');
    return "'" + shown + (text.size() > kShown ? "...'" : "'");
}

// The lines of a file without their line ends and trailing blanks; knows where it is, for the error messages.
class Lines {
public:
    Lines(std::string_view text, std::string_view file) : rest_(text), file_(file) {}

    // Goes to the next line; false after the last one.
    bool next() {
        if (rest_.empty()) {
            return false;
        }
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        line_ = trim_end(rest_.substr(0, end));
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        ++number_;
        return true;
    }

    std::string_view line() const { return line_; }

    [[noreturn]] void fail(const std::string& problem) const {
        throw PatternError(std::string(file_) + ":" + std::to_string(number_) + ": " + problem);
    }

private:
    std::string_view rest_;
    std::string_view line_;
    std::string_view file_;
    int number_ = 0;
};

// Reads a line from left to right; blanks between its pieces do not matter.
class Scanner {
public:
    explicit Scanner(std::string_view line) : rest_(trim_start(line)) {}

    std::string_view rest() const { return rest_; }

    bool accept(std::string_view word) {
        if (!rest_.starts_with(word)) {
            return false;
        }
        skip(word.size());
        return true;
    }

    // Empty if there is no number, or none that fits an int.
    std::optional<int> number() {
        int value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (error != std::errc{}) {
            return std::nullopt;
        }
        skip(static_cast<std::size_t>(end - rest_.data()));
        return value;
    }

private:
    void skip(std::size_t length) { rest_ = trim_start(rest_.substr(length)); }

    std::string_view rest_;
};

// UTF-8: all bytes of a character but the first. A cell drawn as a block is three bytes and one cell.
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

void add_row(Pattern& pattern, const Lines& lines) {
    if (pattern.height == kMaxSize) {
        lines.fail("more than 4096 rows, the largest grid has no room for them; cut the pattern");
    }
    int col = 0;
    char previous = '.';
    for (const char c : lines.line()) {
        const bool is_ascii_before = static_cast<unsigned char>(previous) < 0x80;
        if (is_control(c) || (continues_character(c) && is_ascii_before)) {
            lines.fail("column " + std::to_string(col + 1) + " is not text; save the pattern as UTF-8, without tabs");
        }
        previous = c;
        if (continues_character(c)) {
            continue;
        }
        if (col == kMaxSize) {
            lines.fail("more than 4096 columns, the largest grid has no room for them; cut the pattern");
        }
        if (c != '.' && c != ' ') {
            pattern.alive.push_back({pattern.height, col});
        }
        ++col;
    }
    pattern.width = std::max(pattern.width, col);
    ++pattern.height;
}

Pattern parse_plaintext(Lines lines) {
    Pattern pattern;
    while (lines.next()) {
        add_row(pattern, lines);
    }
    return pattern;
}

Pattern parse_cells(Lines lines) {
    Pattern pattern;
    while (lines.next()) {
        if (!lines.line().starts_with('!')) {
            add_row(pattern, lines);
        }
    }
    return pattern;
}

// Golly writes a bounded grid's kind and size after the rule: `B3/S23:T64,64` (torus) or `:P64,64` (plane). Here the
// options decide about both, and the pattern is the same.
void require_conways_rule(std::string_view rule, const Lines& lines) {
    const std::size_t colon = std::min(rule.find(':'), rule.size());
    const std::string name = lower(trim_end(rule.substr(0, colon)));
    const std::string edges = lower(rule.substr(colon));
    const bool known_edges = edges.empty() || ((edges.starts_with(":t") || edges.starts_with(":p")) &&
                                               edges.find_first_not_of("0123456789,", 2) == edges.npos);
    if ((name != "b3/s23" && name != "23/3") || !known_edges) {
        lines.fail("the rule is " + quote(rule) + ", but this game plays B3/S23 only; choose another pattern");
    }
}

bool is_rle_header(std::string_view line) {
    Scanner scanner(line);
    return scanner.accept("x") && scanner.accept("=") && !scanner.rest().empty() &&
           (is_digit(scanner.rest().front()) || scanner.rest().front() == '-');
}

// `x = WIDTH, y = HEIGHT, rule = RULE`; the rule may be absent.
Pattern parse_rle_header(const Lines& lines) {
    Scanner scanner(lines.line());
    const auto size = [&](std::string_view name) -> int {
        const bool named = scanner.accept(name) && scanner.accept("=");
        const std::optional<int> cells = named ? scanner.number() : std::nullopt;
        if (!cells || *cells < 0 || *cells > kMaxSize) {
            lines.fail("expected an RLE header, `x = WIDTH, y = HEIGHT, rule = B3/S23`, each size at most 4096");
        }
        return *cells;
    };
    Pattern pattern;
    pattern.width = size("x");
    scanner.accept(",");
    pattern.height = size("y");
    if (scanner.accept(",") && scanner.accept("rule") && scanner.accept("=")) {
        require_conways_rule(scanner.rest(), lines);
    } else if (!scanner.rest().empty()) {
        lines.fail("expected `, rule = B3/S23` instead of " + quote(scanner.rest()));
    }
    return pattern;
}

// The cells of an RLE file, one tag after the other: its runs may be broken into lines anywhere.
class RleBody {
public:
    explicit RleBody(Pattern& pattern) : pattern_(pattern) {}

    bool finished() const { return finished_; }

    void read(char c, const Lines& lines) {
        if (is_digit(c)) {
            if (count_ == 0 && c == '0') {
                lines.fail("a count that begins with 0; the smallest is 1");
            }
            count_ = count_ * 10 + (c - '0');
            if (count_ > kMaxSize) {
                lines.fail("a count over 4096, the largest grid has no room for it; cut the pattern");
            }
            return;
        }
        if (c == '!' && count_ != 0) {
            lines.fail("a count before '!', where nothing is left to repeat; remove it");
        }
        const int count = std::max(std::exchange(count_, 0), 1);
        switch (c) {
            case 'b': col_ += count; break;
            case 'o': add_living(count, lines); break;
            case '$': row_ += count, col_ = 0; break;
            case '!': finished_ = true; break;
            default: lines.fail("unexpected " + quote({&c, 1}) + "; an RLE pattern has counts, b, o, $ and !");
        }
        if (row_ > kMaxSize || col_ > kMaxSize) {
            lines.fail("a cell beyond 4096 rows or columns, the largest grid has no room for it; cut the pattern");
        }
    }

private:
    void add_living(int count, const Lines& lines) {
        if (row_ >= pattern_.height || col_ + count > pattern_.width) {
            lines.fail("a living cell outside the header's x = " + std::to_string(pattern_.width) +
                       ", y = " + std::to_string(pattern_.height) + "; correct the header");
        }
        for (const int end = col_ + count; col_ < end; ++col_) {
            pattern_.alive.push_back({row_, col_});
        }
    }

    Pattern& pattern_;
    int row_ = 0;
    int col_ = 0;
    int count_ = 0;  // of the tag to come, 0 if it has none
    bool finished_ = false;
};

// A line that begins with # is a comment; `#r 23/3` is how older files name their rule.
void skip_rle_comment(const Lines& lines) {
    if (lines.line().starts_with("#r ")) {
        require_conways_rule(Scanner(lines.line().substr(2)).rest(), lines);
    }
}

Pattern parse_rle(Lines lines) {
    do {
        if (!lines.next()) {
            lines.fail("no RLE header; begin with `x = WIDTH, y = HEIGHT, rule = B3/S23`");
        }
        skip_rle_comment(lines);
    } while (lines.line().empty() || lines.line().front() == '#');

    Pattern pattern = parse_rle_header(lines);
    RleBody body(pattern);
    while (lines.next()) {
        if (lines.line().starts_with('#')) {
            skip_rle_comment(lines);
            continue;
        }
        for (const char c : lines.line()) {
            if (!is_blank(c)) {
                body.read(c, lines);
            }
            if (body.finished()) {
                return pattern;  // what follows the ! is a comment
            }
        }
    }
    lines.fail("the file ends before the pattern's '!'; fetch the whole of it");
}

// One `X Y` for each living cell, anywhere in the plane; y grows downwards.
Pattern parse_life_106(Lines lines) {
    if (!lines.next() || lines.line() != "#Life 1.06") {
        lines.fail("expected `#Life 1.06`; save the pattern as Life 1.06 or RLE");
    }
    Position first{std::numeric_limits<int>::max(), std::numeric_limits<int>::max()};
    Position last{std::numeric_limits<int>::min(), std::numeric_limits<int>::min()};
    const auto extent = [](int from, int to) { return std::int64_t{to} - from + 1; };
    Pattern pattern;
    while (lines.next()) {
        Scanner scanner(lines.line());
        if (scanner.rest().empty() || scanner.rest().front() == '#') {
            continue;
        }
        const std::optional<int> x = scanner.number();
        const std::optional<int> y = scanner.number();
        if (!x || !y || !scanner.rest().empty()) {
            lines.fail("expected two whole numbers, `X Y`, instead of " + quote(lines.line()));
        }
        first = {std::min(first.row, *y), std::min(first.col, *x)};
        last = {std::max(last.row, *y), std::max(last.col, *x)};
        if (extent(first.row, last.row) > kMaxSize || extent(first.col, last.col) > kMaxSize) {
            lines.fail("the cell is too far from another, the largest grid has no room for both; cut the pattern");
        }
        pattern.alive.push_back({*y, *x});
    }
    if (pattern.alive.empty()) {
        return pattern;
    }
    for (Position& cell : pattern.alive) {
        cell = {cell.row - first.row, cell.col - first.col};
    }
    std::sort(pattern.alive.begin(), pattern.alive.end());
    pattern.alive.erase(std::unique(pattern.alive.begin(), pattern.alive.end()), pattern.alive.end());
    pattern.height = last.row - first.row + 1;
    pattern.width = last.col - first.col + 1;
    return pattern;
}

using Parser = Pattern (*)(Lines);

Parser choose_parser(Lines lines, std::string_view file_name) {
    lines.next();
    if (lines.line().starts_with("#Life ")) {
        return parse_life_106;
    }
    if (lines.line().starts_with("!Name:")) {
        return parse_cells;
    }
    while ((lines.line().empty() || lines.line().front() == '#') && lines.next()) {
    }
    if (is_rle_header(lines.line())) {
        return parse_rle;
    }
    const std::string name = lower(file_name);
    if (name.ends_with(".rle")) {
        return parse_rle;
    }
    if (name.ends_with(".cells")) {
        return parse_cells;
    }
    if (name.ends_with(".lif") || name.ends_with(".life")) {
        return parse_life_106;
    }
    return parse_plaintext;
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text;
    std::array<char, 64 * 1024> block;
    while (file.read(block.data(), block.size()), file.gcount() > 0) {
        text.append(block.data(), static_cast<std::size_t>(file.gcount()));
        if (text.size() > kMaxFileBytes) {
            throw PatternError(path.string() + ": larger than 64 MiB; is it a pattern?");
        }
    }
    if (!file.eof()) {
        throw PatternError(path.string() + ": cannot be read: " + std::generic_category().message(errno));
    }
    return text;
}

// Names under which people look for a shipped pattern.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kAliases{{
    {"gosper-gun", "gosper"},
    {"gosper-glider-gun", "gosper"},
    {"glider-gun", "gosper"},
    {"lightweight-spaceship", "lwss"},
    {"middleweight-spaceship", "mwss"},
    {"heavyweight-spaceship", "hwss"},
}};

using ShippedPatterns = std::map<std::string, std::filesystem::path>;

ShippedPatterns shipped_patterns(const std::filesystem::path& folder) {
    ShippedPatterns shipped;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; entry != end; entry.increment(error)) {
        shipped.emplace(entry->path().stem().string(), entry->path());
    }
    return shipped;
}

std::filesystem::path find_pattern(const std::string& path_or_name, const std::filesystem::path& shipped_folder) {
    std::error_code error;
    const auto status = std::filesystem::status(path_or_name, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
        return path_or_name;
    }
    std::string name = lower(path_or_name);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '_' || c == ' '; }, '-');
    const auto alias = std::find_if(kAliases.begin(), kAliases.end(), [&](const auto& a) { return a.first == name; });
    if (alias != kAliases.end()) {
        name = alias->second;
    }
    std::string known;
    for (const auto& [shipped, path] : shipped_patterns(shipped_folder)) {
        if (name == lower(shipped) || name == lower(path.filename().string())) {
            return path;
        }
        known += (known.empty() ? "" : ", ") + shipped;
    }
    throw PatternError(quote(path_or_name) + " is neither a file nor a shipped pattern; shipped are: " +
                       (known.empty() ? "none, as " + shipped_folder.string() + " is empty" : known));
}

}  // namespace

Pattern parse_pattern(std::string_view text, std::string_view file_name) {
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    if (text.empty()) {
        throw PatternError(std::string(file_name) + ": the file is empty; draw the pattern with . and O");
    }
    const Lines lines(text, file_name);
    return choose_parser(lines, file_name)(lines);
}

Pattern load_pattern(const std::string& path_or_name, const std::filesystem::path& shipped_folder) {
    const std::filesystem::path path = find_pattern(path_or_name, shipped_folder);
    return parse_pattern(read_file(path), path.string());
}

}  // namespace life
