#include "web/template_tags.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <vector>

namespace c10k {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

struct Tag {
    char sign = 0;  // '#', '^', '/'; 0 for a variable, and what else is no section
    std::string_view name;
    std::size_t begin = 0;
    std::size_t end = 0;  // npos if it does not end
};

std::string_view without_spaces(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(kSpaces);
    const std::size_t end = text.find_last_not_of(kSpaces);
    return begin == std::string_view::npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

// The first tag from `at` on.
std::optional<Tag> next_tag(std::string_view text, std::size_t at) {
    constexpr std::string_view kSigns = "#^/!>&{";
    Tag tag;
    tag.begin = text.find("{{", at);
    if (tag.begin == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t close = text.find("}}", tag.begin + 2);
    if (close == std::string_view::npos) {
        tag.end = close;
        return tag;
    }
    std::string_view content = without_spaces(text.substr(tag.begin + 2, close - tag.begin - 2));
    if (!content.empty() && kSigns.find(content.front()) != std::string_view::npos) {
        tag.sign = content.front();
        content = without_spaces(content.substr(1));
    }
    tag.name = content;
    tag.end = close + (tag.sign == '{' ? 3 : 2);
    return tag;
}

std::string quoted(std::string_view name) { return "‘" + std::string{name} + "’"; }

std::string since(std::string_view text, const Tag& open) {
    return "line " + std::to_string(line_of(text, open.begin).number);
}

// The mistake of a closing tag; nothing if it closes the section that is open.
std::optional<TemplateMistake> mistake_of(std::string_view text, const Tag& closing, const std::vector<Tag>& open) {
    if (!open.empty() && open.back().name == closing.name) {
        return std::nullopt;
    }
    const bool was_opened =
        std::any_of(open.begin(), open.end(), [&](const Tag& tag) { return tag.name == closing.name; });
    std::string words = quoted(closing.name) + " is closed here ";
    if (was_opened) {
        words += "while " + quoted(open.back().name) + ", opened in " + since(text, open.back()) + ", is still open";
    } else {
        words += "but was never opened";
        words += open.empty() ? "" : "; " + quoted(open.back().name) + " is open since " + since(text, open.back());
    }
    return TemplateMistake{words, closing.begin, closing.end};
}

}  // namespace

std::optional<TemplateMistake> find_mistake(std::string_view text) {
    std::vector<Tag> open;
    std::size_t at = 0;
    while (const std::optional<Tag> tag = next_tag(text, at)) {
        if (tag->end == std::string_view::npos) {
            const std::size_t line_end = std::min(text.find('\n', tag->begin), text.size());
            return TemplateMistake{"this tag begins with {{ but has no }}", tag->begin, line_end};
        }
        if (tag->sign == '#' || tag->sign == '^') {
            open.push_back(*tag);
        } else if (tag->sign == '/') {
            if (auto mistake = mistake_of(text, *tag, open)) {
                return mistake;
            }
            open.pop_back();
        }
        at = tag->end;
    }
    if (!open.empty()) {
        return TemplateMistake{quoted(open.back().name) + " is opened here but never closed", open.back().begin,
                               open.back().end};
    }
    return std::nullopt;
}

std::optional<TagRange> find_tag(std::string_view text, std::string_view name) {
    std::size_t at = 0;
    while (const std::optional<Tag> tag = next_tag(text, at)) {
        if (tag->end == std::string_view::npos) {
            break;
        }
        if (tag->name == name) {
            return TagRange{tag->begin, tag->end};
        }
        at = tag->end;
    }
    return std::nullopt;
}

LineStart line_of(std::string_view text, std::size_t at) {
    LineStart line;
    for (std::size_t end = text.find('\n'); end < at; end = text.find('\n', line.begin)) {
        line.begin = end + 1;
        ++line.number;
    }
    return line;
}

}  // namespace c10k
