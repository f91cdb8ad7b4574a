#include "manage/build_explanation.hpp"

#include "base/text.hpp"
#include "manage/build_output.hpp"
#include "manage/diagnostics.hpp"
#include "web/excerpt.hpp"
#include "web/hints.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace c10k {
namespace {

using Problem = Explanation::Problem;

constexpr std::size_t kMaxOutput = 8 * 1024;
constexpr std::string_view kDidYouMean = "; did you mean ";

// The parts of "chat/chat.cpp:12:5"; the numbers are 0 where there are none.
struct Place {
    std::string_view file;
    unsigned line = 0;
    unsigned column = 0;
};

std::optional<unsigned> take_number(std::string_view& text) {
    const std::size_t colon = text.rfind(':');
    const auto number = colon == std::string_view::npos ? std::nullopt : to_number<unsigned>(text.substr(colon + 1));
    if (number) {
        text = text.substr(0, colon);
    }
    return number;
}

Place place_of(std::string_view text) {
    Place place{text};
    const auto last = take_number(place.file);
    const auto before = last ? take_number(place.file) : std::nullopt;
    place.line = before.value_or(last.value_or(0));
    place.column = before ? *last : 0;
    return place;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

// Whether the compiler shows the source in this line: "   12 |     foo();", "      |     ^~~".
bool is_of_excerpt(std::string_view line) {
    const std::size_t bar = line.find('|');
    return bar != std::string_view::npos && line.find_first_not_of(" 0123456789") == bar;
}

// What it shows there; "" if it is another line.
std::string_view behind_bar(std::string_view line) {
    const std::size_t begin = line.find('|') + 2;
    return is_of_excerpt(line) && begin <= line.size() ? line.substr(begin) : std::string_view{};
}

std::string without_excerpt(const std::vector<std::string_view>& lines) {
    std::string text{lines.front()};
    for (std::size_t i = 1; i < lines.size(); ++i) {
        text += is_of_excerpt(lines[i]) ? "" : '\n' + std::string{lines[i]};
    }
    return text;
}

// "did you mean ‘message’?", which the compiler says in its message, or the text that it would put there.
std::string take_remark(std::string& message, std::string_view fix) {
    const std::size_t at = message.find(kDidYouMean);
    const std::size_t end = message.find('\n');
    if (at < std::min(end, message.size())) {
        const std::size_t size = std::min(end, message.size()) - at;
        std::string remark = message.substr(at + 2, size - 2);
        message.erase(at, size);
        return remark;
    }
    const std::string_view text = trim(fix);
    const bool is_text = !text.empty() && text.find_first_not_of('-') != std::string_view::npos;
    return is_text ? "write ‘" + std::string{text} + "’ here" : "";
}

void add_excerpt(Problem& problem, const std::filesystem::path& source) {
    const Place place = place_of(problem.place);
    const std::filesystem::path file = source / place.file;
    Excerpt excerpt = read_excerpt(file, place.line);
    if (excerpt.lines.empty()) {
        return;
    }
    const std::vector<std::string_view> context = lines_of(problem.text);
    const auto printed = [&context](std::size_t index) {
        return index < context.size() ? behind_bar(context[index]) : std::string_view{};
    };
    if (!mark_columns(excerpt, printed(1), printed(2)) && place.column > 0) {
        mark_word(excerpt, place.column - 1);
    }
    std::string text = without_excerpt(context);
    excerpt.remark = take_remark(text, printed(3));
    problem.text = std::move(text);
    problem.file = file;
    problem.excerpt = std::move(excerpt);
}

// The beginning and the end of it, in whole lines.
std::string shortened(std::string_view output) {
    if (output.size() <= kMaxOutput) {
        return std::string{output};
    }
    const std::size_t begin = output.rfind('\n', kMaxOutput / 2);
    const std::size_t end = output.find('\n', output.size() - kMaxOutput / 2);
    if (begin == std::string_view::npos || end == std::string_view::npos || begin >= end) {
        return cut_line(last_lines(output), kMaxOutput);
    }
    return std::string{output.substr(0, begin + 1)} + "[" + std::to_string(end - begin) + " more bytes]\n" +
           std::string{output.substr(end + 1)};
}

// "2 errors in `chat/chat.cpp`."
std::string count_errors(const std::vector<Problem>& errors) {
    std::set<std::string_view> files;
    for (const Problem& error : errors) {
        files.insert(place_of(error.place).file);
    }
    const std::string count = std::to_string(errors.size()) + (errors.size() == 1 ? " error" : " errors");
    if (files.size() > 1) {
        return count + " in " + std::to_string(files.size()) + " files.";
    }
    return count + (files.begin()->empty() ? "." : " in `" + std::string{*files.begin()} + "`.");
}

void number_errors(std::vector<Problem>& errors) {
    std::size_t number = 0;
    for (Problem& error : errors) {
        error.tag = "error";
        if (errors.size() > 1) {
            error.tag += ' ' + std::to_string(++number) + " of " + std::to_string(errors.size());
        }
    }
}

}  // namespace

Explanation explain_build(std::string_view output, const std::filesystem::path& source) {
    std::vector<Problem> problems = find_problems(output, source);
    std::vector<Problem> others;  // lines that no error could be found in, and the count of further errors
    if (problems.back().place.empty()) {
        others.push_back(std::move(problems.back()));
        problems.pop_back();
    }
    number_errors(problems);
    Explanation explanation{.heading = "The build failed",
                            .output = shortened(output),
                            .foot = "Fix it and save: this goes away by itself."};
    if (!problems.empty()) {
        explanation.lead = count_errors(problems);
    }
    for (Problem& problem : problems) {
        add_excerpt(problem, source);
        problem.hint = hint_for_message(problem.text);
        problem.hint_title = "What it means";
        explanation.problems.push_back(std::move(problem));
    }
    for (Problem& problem : others) {
        explanation.problems.push_back(std::move(problem));
    }
    return explanation;
}

}  // namespace c10k
