#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace c10k {

// The part of a build's output that is kept: the beginning of each line, the first lines, and the last ones. A compiler
// may write any number of lines of megabytes; this stays below a megabyte, and says how much it leaves out.
class BuildOutput {
public:
    static constexpr std::size_t kMaxLine = 2'000;  // bytes of a line
    static constexpr std::size_t kMaxFirst = 512 * 1024;
    static constexpr std::size_t kMaxLast = 128 * 1024;

    // The next bytes, wherever they are cut.
    void add(std::string_view bytes);

    // All that is kept.
    [[nodiscard]] std::string text() const;

private:
    void add_to_line(std::string_view bytes);
    void end_line();

    std::string first_;
    std::string last_;               // the end of the output, from the first line that is kept again
    std::size_t bytes_between_ = 0;  // that are left out
    std::string line_;               // as far as it is kept
    std::size_t line_rest_ = 0;      // bytes of it that are not
};

// The line; of one with more than `most` bytes the beginning, and how much is missing.
[[nodiscard]] std::string cut_line(std::string_view line, std::size_t most);

}  // namespace c10k
