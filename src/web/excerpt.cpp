#include "web/excerpt.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace c10k {
namespace {

constexpr unsigned kLinesBefore = 3;
constexpr unsigned kLinesAfter = 2;
constexpr std::size_t kTabWidth = 8;
constexpr std::size_t kMaxLine = 240;  // bytes: a page shows no more in one row

bool is_word(char c) noexcept { return is_letter(c) || is_digit(c) || c == '_'; }
bool continues_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string printable(std::string_view line) {
    std::string text;
    for (const char c : line) {
        if (c == '\t') {
            text.append(kTabWidth - text.size() % kTabWidth, ' ');
        } else if (!is_control(c)) {
            text += c;
        }
    }
    if (text.size() > kMaxLine) {
        std::size_t end = kMaxLine;
        while (end > 0 && continues_character(text[end])) {
            --end;
        }
        text.resize(end);
        text += "…";
    }
    return text;
}

std::string* line_at_fault(Excerpt& excerpt) {
    const bool has_it = excerpt.line >= excerpt.first && excerpt.line - excerpt.first < excerpt.lines.size();
    return has_it ? &excerpt.lines[excerpt.line - excerpt.first] : nullptr;
}

void mark_all(Excerpt& excerpt, const std::string& line) {
    excerpt.begin = std::min(line.find_first_not_of(' '), line.size());
    excerpt.end = line.size();
}

// Where the character of a column begins: a compiler counts one column for each.
std::size_t byte_of_column(std::string_view line, std::size_t column) {
    std::size_t at = 0;
    while (at < line.size() && column > 0) {
        ++at;
        while (at < line.size() && continues_character(line[at])) {
            ++at;
        }
        --column;
    }
    return at;
}

// The begin of the expression that ends before `end`: "history_.lines->" of "  history_.lines->at(".
std::size_t object_before(std::string_view line, std::size_t end) {
    std::size_t begin = end;
    while (begin > 0) {
        const char c = line[begin - 1];
        const bool is_arrow = c == '>' && begin > 1 && line[begin - 2] == '-';
        const bool is_part = is_word(c) || c == '.' || c == ':' || is_arrow;
        if (!is_part) {
            break;
        }
        begin -= is_arrow ? 2 : 1;
    }
    return begin;
}

std::size_t closing_bracket(std::string_view line, std::size_t open) {
    int depth = 0;
    for (std::size_t at = open; at < line.size(); ++at) {
        depth += line[at] == '(' ? 1 : 0;
        depth -= line[at] == ')' ? 1 : 0;
        if (depth == 0) {
            return at + 1;
        }
    }
    return line.size();
}

}  // namespace

Excerpt read_excerpt(const std::filesystem::path& file, unsigned line) {
    std::error_code error;
    std::ifstream stream;
    if (line > 0 && std::filesystem::is_regular_file(file, error)) {
        stream.open(file);
    }
    Excerpt excerpt{.first = line > kLinesBefore ? line - kLinesBefore : 1, .line = line};
    unsigned number = 1;
    for (std::string text; stream && number <= line + kLinesAfter && std::getline(stream, text); ++number) {
        if (number >= excerpt.first) {
            excerpt.lines.push_back(printable(text));
        }
    }
    const std::string* const at_fault = line_at_fault(excerpt);
    if (at_fault == nullptr) {
        return {};
    }
    mark_all(excerpt, *at_fault);
    return excerpt;
}

void mark_word(Excerpt& excerpt, std::size_t begin) {
    const std::string* const line = line_at_fault(excerpt);
    if (line == nullptr || begin >= line->size()) {
        return;
    }
    excerpt.begin = begin;
    excerpt.end = begin + 1;
    while (excerpt.end < line->size() &&
           (continues_character((*line)[excerpt.end]) || (is_word((*line)[begin]) && is_word((*line)[excerpt.end])))) {
        ++excerpt.end;
    }
}

void mark_call(Excerpt& excerpt, std::string_view function) {
    const std::string* const line = line_at_fault(excerpt);
    if (line == nullptr) {
        return;
    }
    for (std::size_t at = line->find(function); !function.empty() && at != std::string::npos;
         at = line->find(function, at + 1)) {
        const std::size_t end = at + function.size();
        if (end < line->size() && (*line)[end] == '(' && (at == 0 || !is_word((*line)[at - 1]))) {
            excerpt.begin = object_before(*line, at);
            excerpt.end = closing_bracket(*line, end);
            return;
        }
    }
    if (const std::size_t at = line->find("throw "); at != std::string::npos) {
        excerpt.begin = at;
        excerpt.end = std::min(line->find(';', at), line->size());
    }
}

bool mark_columns(Excerpt& excerpt, std::string_view source, std::string_view marks) {
    const std::string* const line = line_at_fault(excerpt);
    const std::size_t caret = marks.find('^');
    if (line == nullptr || caret == std::string_view::npos || printable(source) != *line) {
        return false;
    }
    const std::size_t begin = marks.find_last_not_of("~^", caret) + 1;
    const std::size_t end = std::min(marks.find_first_not_of("~^", caret), marks.size());
    excerpt.begin = byte_of_column(*line, begin);
    excerpt.end = byte_of_column(*line, end);
    return true;
}

}  // namespace c10k
