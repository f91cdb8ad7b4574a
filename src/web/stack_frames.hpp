#pragma once

#include "web/explanation.hpp"
#include "web/throw_trace.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// The stack as a developer reads it: each function of the own program, and one frame for neighbours of one library. The
// names of templates and coroutines are shortened, and paths inside `source` start there.
[[nodiscard]] std::vector<Explanation::Frame> readable_frames(const std::vector<TraceFrame>& trace,
                                                              std::string_view source);

// The innermost frame of the own program; null if there is none.
[[nodiscard]] const TraceFrame* own_frame(const std::vector<TraceFrame>& trace);

// The name of the function that the innermost own frame called, without its class: "at" of std::map::at. Empty if the
// own function threw by itself.
[[nodiscard]] std::string called_by_own(const std::vector<TraceFrame>& trace);

// "chat/chat.cpp" of "/srv/chatty/chat/chat.cpp" for the source "/srv/chatty".
[[nodiscard]] std::string path_inside(std::string_view file, std::string_view source);

}  // namespace c10k
