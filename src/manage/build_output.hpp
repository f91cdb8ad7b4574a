#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace c10k {

// What a build prints, as far as it is kept: as much of each line as somebody reads, the first lines, and the last
// ones. A compiler may write lines of megabytes and as many of them as it likes; this stays below a megabyte. It says
// what it leaves out.
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
    std::string last_;               // what follows, from the first line that is kept again
    std::size_t bytes_between_ = 0;  // that are left out
    std::string line_;               // as far as it is kept
    std::size_t line_rest_ = 0;      // bytes of it that are not
};

// The line; of one with more than `most` bytes the beginning, and how much is missing.
[[nodiscard]] std::string cut_line(std::string_view line, std::size_t most);

}  // namespace c10k
