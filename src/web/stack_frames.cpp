#include "web/stack_frames.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace c10k {
namespace {

constexpr std::size_t kMaxFrames = 12;
constexpr std::size_t kMaxStems = 3;

enum class Origin { kOwn, kC10k, kStandard, kSystem };

void replace_all(std::string& text, std::string_view what, std::string_view by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
}

// "ChatApp::room" of "c10k::Task<void> ChatApp::room(c10k::WebSocket&)": without the result and the parameters.
std::string_view qualified_name(std::string_view function) {
    std::size_t begin = 0;
    int depth = 0;
    for (std::size_t at = 0; at < function.size(); ++at) {
        const char c = function[at];
        depth += c == '<' ? 1 : 0;
        depth -= c == '>' ? 1 : 0;
        if (depth == 0 && c == '(') {
            return function.substr(begin, at - begin);
        }
        if (depth == 0 && c == ' ') {
            begin = at + 1;
        }
    }
    return function.substr(begin);
}

Origin origin_of(const TraceFrame& frame) {
    const std::string_view name = qualified_name(frame.function);
    if (name.starts_with("c10k::")) {
        return Origin::kC10k;
    }
    if (name.starts_with("std::") || name.starts_with("__gnu_cxx::") || name.starts_with("__cxx")) {
        return Origin::kStandard;
    }
    return frame.file.empty() || frame.file.starts_with("/usr/") ? Origin::kSystem : Origin::kOwn;
}

std::string readable(std::string function) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kLong{{
        {"std::__cxx11::", "std::"},
        {"std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"},
        {"std::basic_string_view<char, std::char_traits<char> >", "std::string_view"},
        {"c10k::", ""},
    }};
    for (const auto& [name, shorter] : kLong) {
        replace_all(function, name, shorter);
    }
    function = function.substr(0, function.find(" [clone"));
    // A coroutine's body has the frame as its only parameter.
    const std::size_t open = function.find("(_Z");
    return function.substr(0, open);
}

std::string place_of(const TraceFrame& frame, std::string_view source) {
    return frame.file.empty() ? "" : path_inside(frame.file, source) + ':' + std::to_string(frame.line);
}

// The files that the functions are in, without their endings: "dispatcher, loop".
std::string stems_of(const std::vector<TraceFrame>& trace, std::size_t begin, std::size_t end) {
    std::vector<std::string> stems;
    for (std::size_t at = begin; at < end; ++at) {
        const std::string stem = std::filesystem::path{trace[at].file}.stem();
        if (!stem.empty() && std::find(stems.begin(), stems.end(), stem) == stems.end() && stems.size() < kMaxStems) {
            stems.push_back(stem);
        }
    }
    std::string text;
    for (const std::string& stem : stems) {
        text += (text.empty() ? "" : ", ") + stem;
    }
    return text;
}

Explanation::Frame library_frame(Origin origin, const std::vector<TraceFrame>& trace, std::size_t begin,
                                 std::size_t end) {
    const std::size_t count = end - begin;
    if (origin == Origin::kC10k) {
        const std::string number = std::to_string(count) + (count == 1 ? " frame" : " frames");
        return {.function = number + " of c10k", .place = stems_of(trace, begin, end)};
    }
    const std::string_view library = origin == Origin::kStandard ? "libstdc++" : "system";
    return {.function = std::string{qualified_name(trace[begin].function)}, .place = std::string{library}};
}

}  // namespace

std::vector<Explanation::Frame> readable_frames(const std::vector<TraceFrame>& trace, std::string_view source) {
    std::vector<Explanation::Frame> frames;
    std::size_t begin = 0;
    while (begin < trace.size() && frames.size() < kMaxFrames) {
        const Origin origin = origin_of(trace[begin]);
        std::size_t end = begin + 1;
        if (origin == Origin::kOwn) {
            frames.push_back({readable(trace[begin].function), place_of(trace[begin], source), true});
        } else {
            while (end < trace.size() && origin_of(trace[end]) == origin) {
                ++end;
            }
            frames.push_back(library_frame(origin, trace, begin, end));
        }
        begin = end;
    }
    while (!frames.empty() && !frames.back().is_own && frames.back().place == "system") {
        frames.pop_back();  // the start of the thread
    }
    return frames;
}

const TraceFrame* own_frame(const std::vector<TraceFrame>& trace) {
    const auto own = std::find_if(trace.begin(), trace.end(),
                                  [](const TraceFrame& frame) { return origin_of(frame) == Origin::kOwn; });
    return own == trace.end() ? nullptr : &*own;
}

std::string called_by_own(const std::vector<TraceFrame>& trace) {
    const TraceFrame* const own = own_frame(trace);
    if (own == nullptr || own == trace.data()) {
        return {};
    }
    const std::string_view name = qualified_name((own - 1)->function);
    const std::size_t colon = name.rfind("::");
    return std::string{colon == std::string_view::npos ? name : name.substr(colon + 2)};
}

std::string path_inside(std::string_view file, std::string_view source) {
    const bool is_inside =
        !source.empty() && file.size() > source.size() && file.starts_with(source) && file[source.size()] == '/';
    return std::string{is_inside ? file.substr(source.size() + 1) : file};
}

}  // namespace c10k
