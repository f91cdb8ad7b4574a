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
#include <set>
#include <system_error>
#include <utility>
#include <vector>

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

// A piece of a file, made short and printable for a terminal.
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
        const std::size_t end = std::min(rest_.find_first_of("\r\n"), rest_.size());
        line_ = trim_end(rest_.substr(0, end));
        rest_.remove_prefix(end);
        rest_.remove_prefix(line_end());
        ++number_;
        return true;
    }

    std::string_view line() const { return line_; }
    std::string_view file() const { return file_; }

    // Goes on to the first line that is neither empty nor begins with #. False if there is none.
    bool next_but_comments() {
        while (next()) {
            if (!line_.empty() && line_.front() != '#') {
                return true;
            }
        }
        return false;
    }

    // The parser tells the user this about the line.
    std::string message(const std::string& problem) const {
        return std::string(file_) + ":" + std::to_string(number_) + ": " + problem;
    }
    [[noreturn]] void fail(const std::string& problem) const { throw PatternError(message(problem)); }

private:
    // The length of the line end that comes next: LF, CR LF (also with more CRs, as file transfers make them), or the
    // CR of old Macs.
    std::size_t line_end() const {
        if (rest_.starts_with('\n')) {
            return 1;
        }
        const std::size_t after = std::min(rest_.find_first_not_of('\r'), rest_.size());
        return after < rest_.size() && rest_[after] == '\n' ? after + 1 : std::min<std::size_t>(after, 1);
    }

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

// The half of a rule with its letter: the other half's tells which it is if it has none.
std::string with_letter(std::string_view half, std::string_view other, char otherwise) {
    const auto has_letter = [](std::string_view text) { return !text.empty() && (text[0] == 'b' || text[0] == 's'); };
    if (has_letter(half)) {
        return std::string(half);
    }
    return (has_letter(other) ? (other[0] == 'b' ? 's' : 'b') : otherwise) + std::string(half);
}

// Whether it is Conway's, as Golly reads rules: "B3/S23", the digits after B and S in any order, "s32b3"; without
// letters the survivals come first, "23/3". Requires: it has small letters.
bool is_conways_rule(std::string_view name) {
    const std::size_t slash = name.find('/');
    std::string rule(name);
    if (slash != name.npos) {
        const std::string_view left = name.substr(0, slash);
        const std::string_view right = name.substr(slash + 1);
        rule = with_letter(left, right, 's') + with_letter(right, left, 'b');
    }
    std::map<char, std::set<char>> digits;  // by their letter
    std::set<char>* last = nullptr;
    for (const char c : rule) {
        if (is_digit(c) && last != nullptr) {
            last->insert(c);
        } else if ((c == 'b' || c == 's') && !digits.contains(c)) {
            last = &digits[c];
        } else {
            return false;
        }
    }
    return digits['b'] == std::set{'3'} && digits['s'] == std::set{'2', '3'};
}

// Golly writes a bounded grid's kind and size after the rule: `B3/S23:T64,64` (torus) or `:P64,64` (plane). Here the
// options decide about both, and the pattern is the same.
void require_conways_rule(std::string_view rule, const Lines& lines) {
    const std::size_t colon = std::min(rule.find(':'), rule.size());
    const std::string name = lower(trim_end(rule.substr(0, colon)));
    const std::string edges = lower(rule.substr(colon));
    const bool known_edges = edges.empty() || ((edges.starts_with(":t") || edges.starts_with(":p")) &&
                                               edges.find_first_not_of("0123456789,", 2) == edges.npos);
    if (!is_conways_rule(name) || !known_edges) {
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
    scanner.accept(",");
    if (scanner.accept("rule") && scanner.accept("=")) {
        require_conways_rule(scanner.rest(), lines);
    } else if (!scanner.rest().empty()) {
        lines.fail("expected `, rule = B3/S23` instead of " + quote(scanner.rest()));
    }
    return pattern;
}

// The cells of an RLE file, one tag after the other: its runs may be broken into lines anywhere.
//
// Patterns of other games have more states: `.` is the dead one, A the next, B to X those after it, with p to y in
// front for more. With two states only `.` and A mean something, and o to y alone are living cells, as for Golly.
class RleBody {
public:
    bool finished() const { return finished_; }
    bool is_amid_run() const { return count_ != 0; }
    int height() const { return height_; }
    int width() const { return width_; }
    std::vector<Position> take() { return std::move(alive_); }

    void read(std::string_view line, const Lines& lines) {
        for (std::size_t at = 0; at < line.size() && !finished_; ++at) {
            if (is_blank(line[at])) {
                continue;
            }
            const bool is_prefix = line[at] >= 'p' && line[at] <= 'y' && at + 1 < line.size() && line[at + 1] >= 'A' &&
                                   line[at + 1] <= 'X';
            if (is_prefix || (line[at] >= 'B' && line[at] <= 'X')) {
                lines.fail("the cell " + quote(line.substr(at, is_prefix ? 2 : 1)) +
                           " is in a third state, and Conway's game has two; choose another pattern");
            }
            read(line[at], lines);
        }
    }

private:
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
        if (c == 'b' || c == '.') {
            col_ += count;
        } else if (c == 'A' || (c >= 'o' && c <= 'y')) {
            add_living(count, lines);
        } else if (c == '$') {
            row_ += count;
            col_ = 0;
        } else if (c == '!') {
            finished_ = true;
        } else {
            lines.fail("unexpected " + quote({&c, 1}) + "; an RLE pattern has counts, b, o, $ and !");
        }
        check_room(row_, col_, lines);
    }

    static void check_room(int rows, int cols, const Lines& lines) {
        if (rows > kMaxSize || cols > kMaxSize) {
            lines.fail("a cell beyond 4096 rows or columns, the largest grid has no room for it; cut the pattern");
        }
    }

    void add_living(int count, const Lines& lines) {
        check_room(row_ + 1, col_ + count, lines);
        for (const int end = col_ + count; col_ < end; ++col_) {
            alive_.push_back({row_, col_});
        }
        height_ = row_ + 1;
        width_ = std::max(width_, col_);
    }

    std::vector<Position> alive_;
    int height_ = 0;  // of the rows and columns that living cells need
    int width_ = 0;
    int row_ = 0;
    int col_ = 0;
    int count_ = 0;  // of the tag to come, 0 if it has none
    bool finished_ = false;
};

// A line that begins with # is a comment; `#r 23/3` is how older files name their rule.
void skip_rle_comment(const Lines& lines) {
    const std::string_view line = lines.line();
    if (line.starts_with("#r") && line.size() > 2 && is_blank(line[2])) {
        require_conways_rule(Scanner(line.substr(2)).rest(), lines);
    }
}

// Reads up to the `!`, after which all is comment.
RleBody parse_rle_body(Lines& lines) {
    RleBody body;
    while (!body.finished() && lines.next()) {
        if (lines.line().starts_with('#')) {
            skip_rle_comment(lines);
        } else {
            body.read(lines.line(), lines);
        }
    }
    return body;
}

Pattern parse_rle(Lines lines) {
    do {
        if (!lines.next()) {
            lines.fail("no RLE header; begin with `x = WIDTH, y = HEIGHT, rule = B3/S23`");
        }
        skip_rle_comment(lines);
    } while (lines.line().empty() || lines.line().front() == '#');

    Pattern pattern = parse_rle_header(lines);
    const Lines header = lines;
    RleBody body = parse_rle_body(lines);
    if (body.is_amid_run()) {
        lines.fail("the file ends in the middle of a run; fetch the whole of it");
    }
    if (!body.finished()) {
        pattern.warnings.push_back(lines.message("the file ends without a '!', perhaps too early"));
    }
    if (body.height() > pattern.height || body.width() > pattern.width) {
        pattern.warnings.push_back(header.message("the header says x = " + std::to_string(pattern.width) +
                                                  ", y = " + std::to_string(pattern.height) +
                                                  ", but the pattern needs x = " + std::to_string(body.width()) +
                                                  ", y = " + std::to_string(body.height()) + ", and has got it"));
    }
    pattern.height = std::max(pattern.height, body.height());
    pattern.width = std::max(pattern.width, body.width());
    pattern.alive = body.take();
    return pattern;
}

// Runs without a header: too little to be sure that the file is RLE, and too much to play the letters as cells.
[[noreturn]] void refuse_headerless_rle(Lines lines) {
    const Lines start = lines;
    const RleBody body = parse_rle_body(lines);
    throw PatternError(std::string(start.file()) +
                       ": an RLE pattern without a header; write `x = " + std::to_string(body.width()) +
                       ", y = " + std::to_string(body.height()) + ", rule = B3/S23` in a line before it");
}

// Only runs, among them the end of a row or of the pattern: "bo$2bo$3o!".
bool is_headerless_rle(Lines lines) {
    constexpr std::string_view kTags = "0123456789bo.A$!";
    bool has_row_end = false;
    bool has_cell = false;
    bool is_plain = true;  // without the dots that are a drawing's, too
    while (lines.next()) {
        if (lines.line().starts_with('#')) {
            continue;
        }
        for (const char c : lines.line()) {
            if (c == '!') {
                return has_cell && (is_plain || has_row_end);
            }
            if (!is_blank(c) && kTags.find(c) == kTags.npos) {
                return false;
            }
            has_row_end = has_row_end || c == '$';
            has_cell = has_cell || c == 'o' || c == 'b' || c == 'A';
            is_plain = is_plain && c != '.' && c != 'A';
        }
    }
    return has_cell && is_plain && has_row_end;
}

// Living cells anywhere in the plane. They make a pattern just as large as they need.
class Plane {
public:
    // Adds a living cell; may be called more than once for the same cell.
    void add(std::int64_t row, std::int64_t col, const Lines& lines) {
        first_row_ = std::min(first_row_, row);
        first_col_ = std::min(first_col_, col);
        last_row_ = std::max(last_row_, row);
        last_col_ = std::max(last_col_, col);
        if (last_row_ - first_row_ >= kMaxSize || last_col_ - first_col_ >= kMaxSize) {
            lines.fail("the cell is too far from another, the largest grid has no room for both; cut the pattern");
        }
        if (cells_.size() == std::size_t{kMaxSize} * kMaxSize) {
            lines.fail("more cells than the largest grid has; cut the pattern");
        }
        cells_.emplace_back(row, col);
    }

    Pattern take() && {
        Pattern pattern;
        if (cells_.empty()) {
            return pattern;
        }
        std::sort(cells_.begin(), cells_.end());
        cells_.erase(std::unique(cells_.begin(), cells_.end()), cells_.end());
        for (const auto& [row, col] : cells_) {
            pattern.alive.push_back({static_cast<int>(row - first_row_), static_cast<int>(col - first_col_)});
        }
        pattern.height = static_cast<int>(last_row_ - first_row_) + 1;
        pattern.width = static_cast<int>(last_col_ - first_col_) + 1;
        return pattern;
    }

private:
    std::vector<std::pair<std::int64_t, std::int64_t>> cells_;  // row, column
    std::int64_t first_row_ = std::numeric_limits<std::int64_t>::max() / 2;
    std::int64_t first_col_ = first_row_;
    std::int64_t last_row_ = -first_row_;
    std::int64_t last_col_ = -first_row_;
};

// One `X Y` for each living cell, anywhere in the plane; y grows downwards.
Pattern parse_life_106(Lines lines) {
    Plane plane;
    while (lines.next_but_comments()) {
        Scanner scanner(lines.line());
        const std::optional<int> x = scanner.number();
        const std::optional<int> y = scanner.number();
        if (!x || !y || !scanner.rest().empty()) {
            lines.fail("expected two whole numbers, `X Y`, instead of " + quote(lines.line()));
        }
        plane.add(*y, *x, lines);
    }
    return std::move(plane).take();
}

// Blocks of rows, each behind a `#P X Y` that says where its first cell is; `#R 23/3` names the rule. Empty lines are
// no rows, as for Golly: an empty row has a dot.
Pattern parse_life_105(Lines lines) {
    Plane plane;
    std::int64_t row = 0;
    std::int64_t left = 0;
    while (lines.next()) {
        const std::string_view line = lines.line();
        Scanner scanner(line);
        if (scanner.accept("#P")) {
            const bool is_bare = scanner.rest().empty();  // at 0 0
            const std::optional<int> x = is_bare ? 0 : scanner.number();
            const std::optional<int> y = is_bare ? 0 : scanner.number();
            if (!x || !y || !scanner.rest().empty()) {
                lines.fail("expected `#P X Y` instead of " + quote(line));
            }
            row = *y;
            left = *x;
        } else if (scanner.accept("#R")) {
            require_conways_rule(scanner.rest(), lines);
        } else if (!line.empty() && line.front() != '#') {
            for (std::size_t i = 0; i < line.size(); ++i) {
                if (line[i] == '*') {
                    plane.add(row, left + static_cast<std::int64_t>(i), lines);
                } else if (line[i] != '.' && !is_blank(line[i])) {
                    lines.fail("unexpected " + quote(line.substr(i, 1)) + "; a Life 1.05 pattern has . and *");
                }
            }
            ++row;
        }
    }
    return std::move(plane).take();
}

// `#Life 1.05` or `#Life 1.06` in the first line, or in its place a `#P`.
Pattern parse_life(Lines lines) {
    const Lines start = lines;
    lines.next();
    if (lines.line() == "#Life 1.06") {
        return parse_life_106(lines);
    }
    const bool is_block = lines.line() == "#P" || lines.line().starts_with("#P ") || lines.line().starts_with("#P\t");
    if (lines.line() == "#Life 1.05" || is_block) {
        return parse_life_105(start);
    }
    lines.fail("expected `#Life 1.05` or `#Life 1.06`; save the pattern as one of these or RLE");
}

// ---- Files that are no pattern, or a pattern in a format that this does not read

// Begins with a tag as pages and feeds do: `<` alone may be a cell.
bool is_html(std::string_view text) {
    constexpr std::array<std::string_view, 22> kTags{
        "!doctype", "html", "head", "body", "title", "meta", "link", "script", "style", "div", "table",
        "center",   "font", "span", "pre",  "svg",   "rss",  "feed", "h1",     "p",     "a",   "br"};
    const std::string start = lower(text.substr(0, 16));
    if (start.starts_with("<!--") || start.starts_with("<?xml")) {
        return true;
    }
    return std::any_of(kTags.begin(), kTags.end(), [&start](std::string_view tag) {
        const std::size_t end = 1 + tag.size();
        return start.starts_with('<') && start.substr(1).starts_with(tag) && end < start.size() &&
               (start[end] == '>' || start[end] == '/' || is_blank(start[end]) || start[end] == '\n');
    });
}

bool is_json(std::string_view text) {
    const char last = text.empty() ? ' ' : text.back();
    const bool is_object = text.starts_with('{') && last == '}';
    const bool is_array = text.starts_with('[') && last == ']';
    return (is_object || is_array) && (text.size() == 2 || text.find_first_of("\",0123456789") != text.npos);
}

// "xq4_153": how catalogues write a pattern.
bool is_apgcode(std::string_view text) {
    const std::size_t digits = text.find_first_not_of("0123456789", std::min<std::size_t>(text.size(), 2));
    return text.size() > 4 && text[0] == 'x' && (text[1] == 's' || text[1] == 'p' || text[1] == 'q') && digits > 2 &&
           digits < text.size() && text[digits] == '_' &&
           text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz", digits + 1) == text.npos;
}

void refuse_other_formats(std::string_view text, std::string_view file_name) {
    const auto refuse = [file_name](const char* what) { throw PatternError(std::string(file_name) + ": " + what); };
    constexpr std::string_view kSpace = " \t\r\v\f\n";
    text = text.substr(std::min(text.find_first_not_of(kSpace), text.size()));
    text = text.substr(0, text.find_last_not_of(kSpace) + 1);
    if (text.starts_with("\x1F\x8B")) {
        refuse("compressed with gzip; unpack it with gunzip");
    }
    if (text.starts_with("PK\x03\x04")) {
        refuse("a zip archive; unpack it");
    }
    if (text.starts_with("[M2]")) {
        refuse("a macrocell file; open it in Golly and save it as RLE");
    }
    if (text.starts_with("#MCell ")) {
        refuse("a file of MCell's; save the pattern as RLE or Life 1.06");
    }
    if (is_html(text)) {
        refuse("a web page (HTML); fetch the pattern itself, not the page about it");
    }
    if (is_json(text)) {
        refuse("JSON; save the pattern as RLE, or draw it with . and O");
    }
    if (is_apgcode(text)) {
        refuse("an apgcode; fetch the pattern as RLE");
    }
}

using Parser = Pattern (*)(Lines);

Parser choose_parser(Lines lines, std::string_view file_name) {
    const Lines start = lines;
    lines.next();
    if (lines.line().starts_with("#Life ")) {
        return parse_life;
    }
    if (lines.line().starts_with("!Name:")) {
        return parse_cells;
    }
    while ((lines.line().empty() || lines.line().front() == '#') && lines.next()) {
    }
    if (is_rle_header(lines.line())) {
        return parse_rle;
    }
    if (is_headerless_rle(start)) {
        refuse_headerless_rle(start);
    }
    const std::string name = lower(file_name);
    if (name.ends_with(".rle")) {
        return parse_rle;
    }
    if (name.ends_with(".cells")) {
        return parse_cells;
    }
    if (name.ends_with(".lif") || name.ends_with(".life")) {
        return parse_life;
    }
    for (const std::string_view ending : {".mc", ".mcl", ".html", ".htm", ".json"}) {
        if (name.ends_with(ending)) {
            throw PatternError(std::string(file_name) + ": " + std::string(ending) +
                               " is no format that this reads; save the pattern as RLE, or as .txt if it is drawn");
        }
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
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kAliases{{
    {"gosper-gun", "gosper"},
    {"gosper-glider-gun", "gosper"},
    {"glider-gun", "gosper"},
    {"simkin-gun", "simkin"},
    {"simkin-glider-gun", "simkin"},
    {"kok's-galaxy", "galaxy"},
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

bool is_file(const std::string& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    return std::filesystem::exists(status) && !std::filesystem::is_directory(status);
}

// Throws PatternError, which says that `asked_for` is `no_such` of those that are shipped.
std::filesystem::path find_shipped(const std::string& asked_for, const std::filesystem::path& folder,
                                   const std::string& no_such) {
    std::string name = lower(asked_for);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '_' || c == ' '; }, '-');
    const auto alias = std::find_if(kAliases.begin(), kAliases.end(), [&](const auto& a) { return a.first == name; });
    if (alias != kAliases.end()) {
        name = alias->second;
    }
    std::string known;
    for (const auto& [shipped, path] : shipped_patterns(folder)) {
        if (name == lower(shipped) || name == lower(path.filename().string())) {
            return path;
        }
        known += (known.empty() ? "" : ", ") + shipped;
    }
    throw PatternError(quote(asked_for) + " is " + no_such +
                       "; shipped are: " + (known.empty() ? "none, as " + folder.string() + " is empty" : known));
}

Pattern load_file(const std::filesystem::path& path) { return parse_pattern(read_file(path), path.string()); }

Pattern load_shipped(const std::filesystem::path& path) {
    Pattern pattern = load_file(path);
    pattern.shipped_name = path.stem().string();
    return pattern;
}

}  // namespace

Pattern parse_pattern(std::string_view text, std::string_view file_name) {
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    if (text.empty()) {
        throw PatternError(std::string(file_name) + ": the file is empty; draw the pattern with . and O");
    }
    refuse_other_formats(text, file_name);
    const Lines lines(text, file_name);
    return choose_parser(lines, file_name)(lines);
}

Pattern load_pattern(const std::string& path_or_name, const std::filesystem::path& shipped_folder) {
    return is_file(path_or_name)
               ? load_file(path_or_name)
               : load_shipped(find_shipped(path_or_name, shipped_folder, "neither a file nor a shipped pattern"));
}

Pattern load_shipped_pattern(const std::string& name, const std::filesystem::path& shipped_folder) {
    return load_shipped(find_shipped(name, shipped_folder, "no shipped pattern"));
}

}  // namespace life
