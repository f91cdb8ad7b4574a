#include "web/failure_explanation.hpp"

#include "base/text.hpp"
#include "c10k/templates.hpp"
#include "web/error_pages.hpp"
#include "web/excerpt.hpp"
#include "web/hints.hpp"
#include "web/stack_frames.hpp"
#include "web/throw_trace.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

namespace c10k {
namespace {

constexpr std::size_t kMaxValue = 120;  // bytes of a header that are shown
constexpr std::array<std::string_view, 4> kSecretFields{"cookie", "authorization", "proxy-authorization", "x-api-key"};

// Every path is looked at as the build wrote it, and shown from here on.
std::string source_folder() {
    if (const char* const folder = std::getenv(kSourceVariable)) {
        return folder;
    }
    std::error_code error;
    return std::filesystem::current_path(error);
}

std::string as_code(std::string_view text) { return '`' + std::string{text} + '`'; }

std::string shortened(std::string_view text) {
    return text.size() <= kMaxValue ? std::string{text} : repair_utf8(text.substr(0, kMaxValue)) + "…";
}

std::string shown_value(const Headers::Field& field) {
    for (const std::string_view secret : kSecretFields) {
        if (iequals(field.name, secret)) {
            return "hidden";
        }
    }
    return shortened(field.value);
}

// The names of a route's captures: "name" of "/rooms/<slug:name>/".
std::vector<std::string> names_in(std::string_view pattern) {
    std::vector<std::string> names;
    for (std::size_t open = pattern.find('<'); open != std::string_view::npos; open = pattern.find('<', open + 1)) {
        const std::string_view inside = pattern.substr(open + 1, pattern.find('>', open) - open - 1);
        names.emplace_back(inside.substr(inside.find(':') + 1));
    }
    return names;
}

Explanation::Facts facts_of(const Request& request, const RouteTaken& route) {
    Explanation::Facts facts{"Request", {{"Line", as_code(request.method + ' ' + shortened(request.target))}}};
    facts.rows.emplace_back("Route", as_code(route.text));
    const std::vector<std::string> names = names_in(route.text);
    for (std::size_t i = 0; i < names.size() && i < route.captures.size(); ++i) {
        facts.rows.emplace_back(names[i], as_code(shortened(route.captures[i])));
    }
    facts.rows.emplace_back("Peer", request.peer);
    return facts;
}

Explanation::Facts header_facts(const Headers& headers) {
    Explanation::Facts facts{"Headers", {}};
    for (const Headers::Field& field : headers) {
        facts.rows.emplace_back(field.name, shown_value(field));
    }
    return facts;
}

// ---- The place

Explanation::Problem own_problem(const std::vector<TraceFrame>& trace, const std::string& source) {
    Explanation::Problem problem;
    const TraceFrame* const own = own_frame(trace);
    if (own != nullptr) {
        problem.tag = "your code";
        problem.place = path_inside(own->file, source) + ':' + std::to_string(own->line);
        problem.excerpt = read_excerpt(own->file, own->line);
        problem.excerpt.remark = "thrown here";
        mark_call(problem.excerpt, called_by_own(trace));
        if (!problem.excerpt.lines.empty()) {
            problem.file = own->file;
        }
    }
    return problem;
}

// "this tag has no }}" of "the template a.html is wrong: this tag has no }}", since the place is shown beside it.
std::string template_message(std::string_view text) {
    constexpr std::string_view kStart = " is wrong: ";
    const std::size_t at = text.find(kStart);
    return std::string{at == std::string_view::npos ? text : text.substr(at + kStart.size())};
}

// A template's mistake lies in the template, whichever function renders it.
bool explain_template(Explanation& explanation, const std::exception_ptr& failure, const std::string& source) {
    try {
        std::rethrow_exception(failure);
    } catch (const TemplateError& error) {
        explanation.heading = "A template has an error";
        explanation.lead = "The page was requested but could not be rendered.";
        explanation.foot = "Fix it and save: this goes away by itself. Templates need no build.";
        Explanation::Problem problem{.text = template_message(error.what()), .tag = "template"};
        if (const TemplateError::Place& place = error.place(); place.line != 0) {
            problem.place = path_inside(place.file.string(), source) + ':' + std::to_string(place.line);
            problem.file = std::filesystem::absolute(place.file);
            problem.excerpt = read_excerpt(place.file, place.line);
            if (place.end > place.begin) {
                problem.excerpt.begin = place.begin;
                problem.excerpt.end = place.end;
            }
        }
        explanation.problems = {std::move(problem)};
        return true;
    } catch (...) {
        return false;
    }
}

// "std::out_of_range" and "map::at" of "std::out_of_range: map::at".
std::pair<std::string, std::string> type_and_text(const std::exception_ptr& failure) {
    const std::string whole = describe(failure);
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        const std::string text = error.what();
        return {whole.substr(0, whole.size() - text.size() - 2), text};
    } catch (...) {
        return {whole, "It is no std::exception, and has no text."};
    }
}

void explain_throw(Explanation& explanation, const std::exception_ptr& failure, const std::string& source) {
    const std::vector<TraceFrame> trace = trace_of(failure);
    const auto [type, text] = type_and_text(failure);
    Explanation::Problem problem = own_problem(trace, source);
    problem.text = text;
    problem.hint = hint_for_exception(type, text);
    problem.hint_title = "Try";
    explanation.heading = type;
    explanation.problems = {std::move(problem)};
    explanation.frames = readable_frames(trace, source);
}

}  // namespace

Explanation explain_failure(const Request& request, const RouteTaken& route, const std::exception_ptr& failure) {
    const std::string source = source_folder();
    Explanation explanation;
    if (!explain_template(explanation, failure, source)) {
        explain_throw(explanation, failure, source);
        explanation.lead = "A view threw, and this request was answered with 500.";
        explanation.foot = "You see this because the setting `debug` is on. Strangers see “500 Internal Server Error”.";
    }
    explanation.facts = {facts_of(request, route), header_facts(request.headers)};
    return explanation;
}

Explanation explain_failure(const Explanation::Facts& connection, std::size_t others,
                            const std::exception_ptr& failure) {
    Explanation explanation;
    explain_throw(explanation, failure, source_folder());
    Explanation::Problem& problem = explanation.problems.front();
    problem.text = explanation.heading + ": " + problem.text;
    explanation.heading = "A WebSocket ended with 1011";
    explanation.lead = "Its view threw.";
    if (others > 0) {
        explanation.lead += others == 1 ? " The other connection of this route goes on."
                                        : " The other " + std::to_string(others) + " connections of this route go on.";
    }
    explanation.foot = "The client saw only the code. Its script may reconnect.";
    explanation.facts = {connection};
    return explanation;
}

}  // namespace c10k
