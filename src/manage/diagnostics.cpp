#include "manage/diagnostics.hpp"

#include "manage/build_output.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace c10k {
namespace {

constexpr std::size_t kMaxProblems = 20;
constexpr std::size_t kMaxContextLines = 4;  // the line of source, and the mark below it
constexpr std::size_t kLastLines = 20;
// Bounds for a line, and for all problems, because every open page gets them. A line of BuildOutput is whole.
constexpr std::size_t kMaxLine = BuildOutput::kMaxLine + 100;
constexpr std::size_t kMaxBytes = 32 * 1024;

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string shortened(std::string place, const std::filesystem::path& source) {
    const std::string folder = source.string() + '/';
    return place.starts_with(folder) ? place.substr(folder.size()) : place;
}

struct Found {
    std::string_view place;
    std::string_view text;
};

// Without the digits at the end, and the colon before them; nothing if it does not end so.
std::optional<std::string_view> without_number(std::string_view text) {
    const std::size_t colon = text.find_last_not_of("0123456789");
    if (colon == std::string_view::npos || text[colon] != ':' || colon + 1 == text.size() || colon == 0) {
        return std::nullopt;
    }
    return text.substr(0, colon);
}

// "/src/chat.cpp:12:5: error: ...", "/src/chat.cpp:3: fatal error: ..."
std::optional<Found> find_compiler_error(std::string_view line) {
    constexpr std::string_view kError = "error: ";
    for (std::size_t at = line.find(kError); at != std::string_view::npos; at = line.find(kError, at + 1)) {
        for (const std::string_view before : {": ", ": fatal "}) {
            const std::string_view place = line.substr(0, at);
            if (place.ends_with(before) && without_number(place.substr(0, place.size() - before.size()))) {
                return Found{place.substr(0, place.size() - before.size()), line.substr(at + kError.size())};
            }
        }
    }
    return std::nullopt;
}

// "CMake Error at CMakeLists.txt:3 (add_executable):"
std::optional<Found> find_cmake_error(std::string_view line) {
    constexpr std::string_view kStart = "CMake Error at ";
    if (!line.starts_with(kStart)) {
        return std::nullopt;
    }
    line.remove_prefix(kStart.size());
    for (std::size_t at = line.find(':'); at != std::string_view::npos; at = line.find(':', at + 1)) {
        const std::size_t size = std::min(line.find_first_not_of("0123456789", at + 1), line.size());
        if (without_number(line.substr(0, size))) {
            return Found{line.substr(0, size), line.substr(size)};
        }
    }
    return std::nullopt;
}

// "/usr/bin/ld: x.cpp:(.text+0x1f): undefined reference to ..."
std::optional<Found> find_linker_error(std::string_view line) {
    for (const std::string_view what : {": undefined reference to ", ": multiple definition of "}) {
        const std::size_t end = line.find(what);
        if (end == std::string_view::npos) {
            continue;
        }
        std::string_view place = line.substr(0, end);
        if (const std::size_t space = place.find(' '); space != std::string_view::npos) {
            if (!place.substr(0, space).ends_with("ld:")) {
                continue;
            }
            place.remove_prefix(space + 1);
        }
        if (place.find(' ') == std::string_view::npos && place.find(':', 1) != std::string_view::npos) {
            return Found{place, line.substr(end + 2)};
        }
    }
    return std::nullopt;
}

// "ld.lld: error: undefined symbol: foo()", "mold: error: duplicate symbol: ...". The lines below it say where.
std::optional<Found> find_quick_linker_error(std::string_view line) {
    for (const std::string_view start : {"lld: error: ", "mold: error: "}) {
        if (const std::size_t at = line.find(start); at != std::string_view::npos) {
            const std::string_view program = line.substr(0, at);
            if (program.find(' ') == std::string_view::npos) {
                return Found{{}, line.substr(at + start.size())};
            }
        }
    }
    return std::nullopt;
}

// The place in ">>> referenced by chat.cpp:12 (/src/chat/chat.cpp:12)"; empty if it names none.
std::string_view place_below(std::string_view line) {
    const std::size_t begin = line.rfind('(');
    if (!line.starts_with(">>> ") || !line.ends_with(')')) {
        return {};
    }
    const std::string_view place = line.substr(begin + 1, line.size() - begin - 2);
    return without_number(place) ? place : std::string_view{};
}

bool belongs_to_error(std::string_view line) { return line.empty() || line.front() == ' ' || line.starts_with(">>> "); }

std::optional<Found> find_error(std::string_view line) {
    auto found = find_compiler_error(line);
    found = found ? found : find_cmake_error(line);
    found = found ? found : find_linker_error(line);
    return found ? found : find_quick_linker_error(line);
}

}  // namespace

std::vector<Explanation::Problem> find_problems(std::string_view output, const std::filesystem::path& source) {
    std::vector<Explanation::Problem> problems;
    std::size_t more = 0;
    std::size_t bytes = 0;
    const std::vector<std::string_view> lines = split_lines(output);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto found = find_error(lines[i]);
        if (!found) {
            continue;
        }
        if (problems.size() == kMaxProblems || bytes > kMaxBytes) {
            ++more;
            continue;
        }
        Explanation::Problem problem{.place = shortened(cut_line(found->place, kMaxLine), source),
                                     .text = cut_line(found->text, kMaxLine)};
        // The compiler indents or marks the lines that belong to it.
        for (std::size_t j = 1; j <= kMaxContextLines && i + 1 < lines.size(); ++j) {
            const std::string_view next = lines[i + 1];
            if (!belongs_to_error(next)) {
                break;
            }
            if (problem.place.empty()) {
                problem.place = shortened(cut_line(place_below(next), kMaxLine), source);
            }
            problem.text += '\n' + cut_line(next, kMaxLine);
            ++i;
        }
        bytes += problem.place.size() + problem.text.size();
        problems.push_back(std::move(problem));
    }
    if (more > 0) {
        problems.push_back({.text = "And " + std::to_string(more) + " more: see the terminal."});
    }
    if (problems.empty()) {
        std::string text;
        for (const std::string_view line : split_lines(last_lines(output))) {
            text += cut_line(line, kMaxLine) + '\n';
        }
        problems.push_back({.text = text});
    }
    return problems;
}

std::string_view last_lines(std::string_view output) {
    std::size_t begin = output.size();
    for (std::size_t i = 0; i <= kLastLines && begin != std::string_view::npos && begin > 0; ++i) {
        begin = output.rfind('\n', begin - 1);
    }
    return begin == std::string_view::npos || begin == 0 ? output : output.substr(begin + 1);
}

}  // namespace c10k
