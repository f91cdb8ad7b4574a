#include "manage/crash_explanation.hpp"

#include "web/excerpt.hpp"
#include "web/stack_frames.hpp"
#include "web/throw_trace.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace c10k {
namespace {

std::string name_of(int signal) {
    const char* const name = ::sigabbrev_np(signal);
    return name != nullptr ? "SIG" + std::string{name} : "signal " + std::to_string(signal);
}

std::string text_of(const CrashNote& note) {
    if (note.signal != SIGSEGV && note.signal != SIGBUS) {
        return ::strsignal(note.signal);
    }
    std::array<char, 64> text;
    std::snprintf(text.data(), text.size(), "access to address %#llx", static_cast<unsigned long long>(note.address));
    return text.data();
}

// The functions of the program itself: those of libraries have no lines.
std::vector<TraceFrame> trace_of(const CrashNote& note, const std::filesystem::path& program) {
    std::vector<std::uint64_t> addresses;
    for (std::size_t i = 0; i < note.count; ++i) {
        if (note.frames[i] != 0) {
            addresses.push_back(note.frames[i]);
        }
    }
    return functions_at(program, addresses);
}

}  // namespace

void add_crash(Explanation& explanation, const CrashNote& note, const std::filesystem::path& program,
               const std::filesystem::path& source) {
    const std::vector<TraceFrame> trace = trace_of(note, program);
    Explanation::Problem problem{.text = text_of(note), .tag = name_of(note.signal)};
    if (const TraceFrame* const own = own_frame(trace)) {
        problem.place = path_inside(own->file, source.string()) + ':' + std::to_string(own->line);
        problem.excerpt = read_excerpt(own->file, own->line);
        problem.file = problem.excerpt.lines.empty() ? "" : own->file;
        mark_call(problem.excerpt, called_by_own(trace));
    }
    explanation.problems.insert(explanation.problems.begin(), std::move(problem));
    explanation.frames = readable_frames(trace, source.string());
}

}  // namespace c10k
