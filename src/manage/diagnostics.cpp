#include "manage/diagnostics.hpp"

#include <cstddef>
#include <regex>
#include <string>

namespace c10k {
namespace {

constexpr std::size_t kMostProblems = 20;
constexpr std::size_t kMostContextLines = 4;  // the line of source, and the mark below it
constexpr std::size_t kLastLines = 20;

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

}  // namespace

std::vector<ReloadState::Problem> find_problems(std::string_view output, const std::filesystem::path& source) {
    // "/src/chat.cpp:12:5: error: ...", "CMake Error at CMakeLists.txt:3 (add_executable):", "ld: x.cpp:(.text+0x1f):
    // undefined ..."
    static const std::regex kCompiler{R"(^(.+?:\d+(?::\d+)?): (?:fatal )?error: (.*)$)"};
    static const std::regex kCMake{R"(^CMake Error at (\S+:\d+)(.*)$)"};
    static const std::regex kLinker{
        R"(^(?:\S*ld: )?(\S+?:\(?[^ ]*\)?): (undefined reference to .*|multiple definition of .*)$)"};
    std::vector<ReloadState::Problem> problems;
    const std::vector<std::string_view> lines = split_lines(output);
    for (std::size_t i = 0; i < lines.size() && problems.size() < kMostProblems; ++i) {
        std::cmatch found;
        const char* const begin = lines[i].data();
        const char* const end = begin + lines[i].size();
        if (std::regex_match(begin, end, found, kCompiler) || std::regex_match(begin, end, found, kCMake) ||
            std::regex_match(begin, end, found, kLinker)) {
            ReloadState::Problem problem{shortened(found[1], source), found[2]};
            // What belongs to it is indented.
            for (std::size_t more = 1; more <= kMostContextLines && i + 1 < lines.size(); ++more) {
                const std::string_view next = lines[i + 1];
                if (!next.empty() && next.front() != ' ') {
                    break;
                }
                problem.text += '\n' + std::string{next};
                ++i;
            }
            problems.push_back(std::move(problem));
        }
    }
    if (problems.empty()) {
        problems.push_back({"", std::string{last_lines(output)}});
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
