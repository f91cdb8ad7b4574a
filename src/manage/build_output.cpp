#include "manage/build_output.hpp"

#include <algorithm>

namespace c10k {
namespace {

// How much of `line` is left if no more than `most` bytes may be, and no character of UTF-8 is torn.
std::size_t whole_characters(std::string_view line, std::size_t most) {
    std::size_t size = std::min(line.size(), most);
    while (size > 0 && size < line.size() && (static_cast<unsigned char>(line[size]) & 0xc0) == 0x80) {
        --size;
    }
    return size;
}

// `more` bytes of the line are not even there.
std::string cut(std::string_view line, std::size_t most, std::size_t more) {
    if (line.size() <= most) {
        return std::string{line};
    }
    const std::string_view kept = line.substr(0, whole_characters(line, most));
    // A colour that begins in it ends with it.
    const std::string_view end = kept.find('\x1b') != std::string_view::npos ? "\x1b[m" : "";
    return std::string{kept} + std::string{end} + " [" + std::to_string(line.size() - kept.size() + more) +
           " more bytes]";
}

}  // namespace

std::string cut_line(std::string_view line, std::size_t most) { return cut(line, most, 0); }

void BuildOutput::add(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        add_to_line(bytes.substr(0, end));
        if (end == std::string_view::npos) {
            return;
        }
        end_line();
        bytes.remove_prefix(end + 1);
    }
}

void BuildOutput::add_to_line(std::string_view bytes) {
    // One byte more, which tells whether the last character is torn.
    const std::size_t kept = std::min(bytes.size(), kMaxLine + 1 - line_.size());
    line_ += bytes.substr(0, kept);
    line_rest_ += bytes.size() - kept;
}

void BuildOutput::end_line() {
    const std::string line = cut(line_, kMaxLine, line_rest_) + '\n';
    line_.clear();
    line_rest_ = 0;
    if (last_.empty() && first_.size() + line.size() <= kMaxFirst) {
        first_ += line;
        return;
    }
    last_ += line;
    if (last_.size() > 2 * kMaxLast) {  // twice as much, so that not every line moves the others
        const std::size_t begin = last_.find('\n', last_.size() - kMaxLast) + 1;
        bytes_between_ += begin;
        last_.erase(0, begin);
    }
}

std::string BuildOutput::text() const {
    const std::string between = bytes_between_ == 0 ? "" : "[" + std::to_string(bytes_between_) + " more bytes]\n";
    return first_ + between + last_ + cut(line_, kMaxLine, line_rest_);
}

}  // namespace c10k
