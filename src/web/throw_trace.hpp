#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace c10k {

// Where exceptions were thrown, for the page that explains a failed view: when it is caught, the stack is long gone.

struct TraceFrame {
    std::string function;
    std::string file;  // "" if it is not known
    unsigned line = 0;
};

// From now on the stack is noted at each throw of this process. That costs microseconds for each: for development.
void note_throws() noexcept;

// The stack when `failure` was thrown, innermost first; empty if it was not noted, or so many were thrown since on this
// thread that it is forgotten. Asks addr2line (binutils), which takes a moment.
[[nodiscard]] std::vector<TraceFrame> trace_of(const std::exception_ptr& failure);

// The functions at addresses of a program's file, in their order: several for one if some are inlined. Asks addr2line.
[[nodiscard]] std::vector<TraceFrame> functions_at(const std::string& file,
                                                   const std::vector<std::uint64_t>& addresses);

}  // namespace c10k
