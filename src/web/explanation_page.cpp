#include "web/explanation_page.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace c10k {
namespace {

using Problem = Explanation::Problem;

constexpr std::string_view kCalmTag = "your code";
constexpr std::string_view kEditor = "vscode://file{file}:{line}:{column}";

std::string element(std::string_view tag, std::string_view content) {
    const std::string_view name = tag.substr(0, tag.find(' '));
    return '<' + std::string{tag} + '>' + std::string{content} + "</" + std::string{name} + ">\n";
}

// Escaped, and <code> for each pair of backquotes.
std::string with_code(std::string_view text) {
    std::string html;
    while (!text.empty()) {
        const std::size_t open = text.find('`');
        const std::size_t close = open == std::string_view::npos ? open : text.find('`', open + 1);
        if (close == std::string_view::npos) {
            return html + html_escape(text);
        }
        html += html_escape(text.substr(0, open)) + "<code>" + html_escape(text.substr(open + 1, close - open - 1)) +
                "</code>";
        text.remove_prefix(close + 1);
    }
    return html;
}

std::string first_line(std::string_view text) { return std::string{text.substr(0, text.find('\n'))}; }

std::string_view later_lines(std::string_view text) {
    const std::size_t end = text.find('\n');
    return end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
}

// ---- The place of a problem

void replace(std::string& text, std::string_view what, std::string_view by) {
    if (const std::size_t at = text.find(what); at != std::string::npos) {
        text.replace(at, what.size(), by);
    }
}

std::string editor_address(const Problem& problem) {
    const char* const chosen = std::getenv("C10K_EDITOR");
    std::string address{chosen != nullptr && *chosen != '\0' ? std::string_view{chosen} : kEditor};
    const Excerpt& excerpt = problem.excerpt;
    replace(address, "{file}", percent_encode(problem.file));
    replace(address, "{line}", std::to_string(excerpt.line));
    replace(address, "{column}", std::to_string(excerpt.begin + 1));
    return address;
}

std::string place_html(const Problem& problem) {
    if (problem.place.empty() && problem.tag.empty()) {
        return {};
    }
    std::string html = "<code>" + html_escape(problem.place) + "</code>";
    if (!problem.tag.empty()) {
        const std::string_view kind = problem.tag == kCalmTag ? "tag calm" : "tag";
        html += "<span class=\"" + std::string{kind} + "\">" + html_escape(problem.tag) + "</span>";
    }
    if (!problem.file.empty()) {
        html += "<a class=\"button\" href=\"" + html_escape(editor_address(problem)) + "\">Open in the editor</a>";
    }
    return element("div class=\"where\"", html);
}

// ---- The lines around it

std::string faulty_line(const Excerpt& excerpt, const std::string& line) {
    const std::size_t begin = std::min(excerpt.begin, line.size());
    const std::size_t end = std::clamp(excerpt.end, begin, line.size());
    return html_escape(line.substr(0, begin)) + "<u>" + html_escape(line.substr(begin, end - begin)) + "</u>" +
           html_escape(line.substr(end));
}

// As many spaces as there are characters in front of the fault.
std::string indentation(std::string_view line, std::size_t bytes) {
    const std::string_view before = line.substr(0, bytes);
    const auto characters = std::count_if(before.begin(), before.end(),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    return std::string(static_cast<std::size_t>(characters), ' ');
}

std::string row(std::string_view number, std::string_view text, bool is_faulty) {
    return "<span data-n=\"" + std::string{number} + (is_faulty ? "\" class=\"here\">" : "\">") +
           (text.empty() ? " " : std::string{text}) + "</span>";
}

std::string excerpt_html(const Excerpt& excerpt) {
    std::string rows;
    unsigned number = excerpt.first;
    for (const std::string& line : excerpt.lines) {
        const bool is_faulty = number == excerpt.line;
        rows += row(std::to_string(number), is_faulty ? faulty_line(excerpt, line) : html_escape(line), is_faulty);
        if (is_faulty && !excerpt.remark.empty()) {
            rows += row("", indentation(line, excerpt.begin) + "<b>↑ " + html_escape(excerpt.remark) + "</b>", true);
        }
        ++number;
    }
    const std::string label = "Source, line " + std::to_string(excerpt.line) + " at fault";
    return element("pre class=\"lines\" tabindex=\"0\" role=\"group\" aria-label=\"" + label + '"', rows);
}

std::string message_html(const Problem& problem) {
    const std::string_view more = later_lines(problem.text);
    std::string html = element("p class=\"message\"", html_escape(first_line(problem.text)));
    if (!problem.excerpt.lines.empty()) {
        html += excerpt_html(problem.excerpt);
    }
    if (!more.empty()) {
        html += element("pre class=\"more\" tabindex=\"0\" role=\"group\" aria-label=\"Details\"", html_escape(more));
    }
    return html;
}

std::string hint_html(const Problem& problem) {
    if (problem.hint.empty()) {
        return {};
    }
    return element("div class=\"hint\"",
                   "<b>" + html_escape(problem.hint_title) + "</b><span>" + with_code(problem.hint) + "</span>");
}

// ---- What belongs to all problems

std::string output_html(const std::string& output) {
    if (output.empty()) {
        return {};
    }
    const auto lines = std::count(output.begin(), output.end(), '\n') + (output.ends_with('\n') ? 0 : 1);
    return element(
        "details",
        "<summary>Full compiler output, " + std::to_string(lines) + (lines == 1 ? " line" : " lines") + "</summary>" +
            element("pre tabindex=\"0\" role=\"group\" aria-label=\"Compiler output\"", html_escape(output)));
}

std::string frames_html(const std::vector<Explanation::Frame>& frames) {
    std::string items;
    for (const Explanation::Frame& frame : frames) {
        items +=
            element(frame.is_own ? "li" : "li class=\"theirs\"",
                    "<code>" + html_escape(frame.function) + "</code><span>" + html_escape(frame.place) + "</span>");
    }
    return items.empty() ? "" : element("ol class=\"frames\" aria-label=\"Stack, innermost first\"", items);
}

std::string facts_html(const std::vector<Explanation::Facts>& groups) {
    std::string html;
    for (const Explanation::Facts& facts : groups) {
        std::string rows;
        for (const auto& [name, value] : facts.rows) {
            rows += "<dt>" + html_escape(name) + "</dt><dd>" + with_code(value) + "</dd>";
        }
        html += element("h2", html_escape(facts.title)) + element("dl", rows);
    }
    return html;
}

std::string problems_html(const Explanation& explanation) {
    std::string html;
    for (const Problem& problem : explanation.problems) {
        const bool is_last = &problem == &explanation.problems.back();
        html += element("section class=\"problem\"",
                        place_html(problem) + message_html(problem) + hint_html(problem) +
                            (is_last ? output_html(explanation.output) + frames_html(explanation.frames) : ""));
    }
    return html;
}

}  // namespace

std::string explanation_html(const Explanation& explanation, std::string_view more) {
    std::string body = problems_html(explanation) + std::string{more};
    if (!explanation.facts.empty()) {
        body = element("div class=\"two\"",
                       element("div", body) + element("aside class=\"facts\" aria-label=\"Circumstances\"",
                                                      facts_html(explanation.facts)));
    }
    const std::string head = element("h1", html_escape(explanation.heading)) +
                             (explanation.lead.empty() ? "" : element("p class=\"lead\"", with_code(explanation.lead)));
    return element("header", element("div", head)) + body +
           element("footer", element("span", with_code(explanation.foot)));
}

}  // namespace c10k
