#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// A mistake in the text of a template, and the bytes that it is about.
struct TemplateMistake {
    std::string text;  // "‘members’ is closed here but was never opened"
    std::size_t begin = 0;
    std::size_t end = 0;
};

// The first tag that does not end, and the first section that is not closed, or closed without having been opened.
[[nodiscard]] std::optional<TemplateMistake> find_mistake(std::string_view text);

// The bytes of the first tag for that name: "{{name}}", "{{#name}}".
struct TagRange {
    std::size_t begin = 0;
    std::size_t end = 0;
};
[[nodiscard]] std::optional<TagRange> find_tag(std::string_view text, std::string_view name);

// The number of the line of a byte, counted from 1, and where that line begins.
struct LineStart {
    unsigned number = 1;
    std::size_t begin = 0;
};
[[nodiscard]] LineStart line_of(std::string_view text, std::size_t at);

}  // namespace c10k
