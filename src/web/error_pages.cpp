#include "web/error_pages.hpp"

#include "base/text.hpp"
#include "web/assets.hpp"
#include "web/explanation_page.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <typeinfo>
#include <utility>

namespace c10k {
namespace {

constexpr std::string_view kNoSpaceAfter = " {};:,>";
constexpr std::size_t kNone = std::string_view::npos;

// A style sheet without comments, and without spaces that only people need.
std::string compact(std::string_view css) {
    std::string text;
    for (std::size_t at = 0; at < css.size(); ++at) {
        if (css.substr(at, 2) == "/*") {
            at = css.find("*/", at) + 1;
        } else if (css[at] == '\n' || (css[at] == ' ' && (text.empty() || kNoSpaceAfter.find(text.back()) != kNone))) {
            continue;
        } else {
            text += css[at];
        }
    }
    return text;
}

// The styles stand in the page itself: a site may serve nothing but its own routes.
std::string document(std::string_view title, const std::string& styles, std::string_view body) {
    return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
           html_escape(title) + "</title>\n<style>" + styles + "</style>\n</head>\n<body>\n" + std::string{body} +
           "</body>\n</html>\n";
}

std::string plain_document(std::string_view title, std::string_view body) {
    static const std::string kStyles = compact(asset("error.css"));
    return document(title, kStyles, "<main>\n" + std::string{body} + "</main>\n");
}

std::string status_line(int status) { return std::to_string(status) + ' ' + std::string{reason_phrase(status)}; }

std::string type_name(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name{abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                           &std::free};
    return name ? name.get() : type.name();
}

// ---- The routes that a page that does not exist was looked for in

std::string route_row(const Route& route) {
    return "<tr><td><code>/" + html_escape(route.pattern()) + "</code></td><td>" +
           (route.is_page() ? "page" : "WebSocket") + "</td><td>" + html_escape(route.name()) + "</td></tr>\n";
}

std::string route_table(const Urls& urls) {
    std::string rows;
    for (const Route& route : urls) {
        rows += route_row(route);
    }
    return "<section class=\"problem\">\n<p>These routes were tried, in this order, and none matched:</p>\n"
           "<table>\n<thead><tr><th scope=\"col\">Path</th><th scope=\"col\">Kind</th><th scope=\"col\">Name</th>"
           "</tr></thead>\n<tbody>\n" +
           rows + "</tbody>\n</table>\n</section>\n";
}

// For the client, if it says more than the status; the errors of views may tell too much.
std::string_view public_sentence(int status) noexcept {
    switch (status) {
        case 404: return "There is nothing at this address.";
        case 415: return "This page cannot read what you sent, for example a form with files.";
        case 426: return "This is the address of a WebSocket, which only programs and scripts of pages open.";
        case 500: return "The server made a mistake.";
        default: return {};
    }
}

constexpr std::string_view kWhyShown = "You see this because the setting `debug` is on.";

}  // namespace

std::string explanation_document(std::string_view title, std::string_view sheet) {
    static const std::string kStyles = compact(asset("base.css")) + compact(asset("sheet.css"));
    return document(title, kStyles, "<main class=\"sheet\">\n" + std::string{sheet} + "</main>\n");
}

Response error_page(int status) {
    const std::string line = status_line(status);
    const std::string_view sentence = public_sentence(status);
    const std::string paragraph = sentence.empty() ? "" : "<p>" + html_escape(sentence) + "</p>\n";
    return Response::html(plain_document(line, "<h1>" + line + "</h1>\n" + paragraph), status);
}

Response debug_page(int status, std::string_view heading, std::string_view text) {
    const Explanation explanation{
        .heading = std::string{heading}, .lead = std::string{text}, .foot = std::string{kWhyShown}};
    return Response::html(explanation_document(heading, explanation_html(explanation)), status);
}

Response debug_not_found(const Request& request, const Urls& urls) {
    const Explanation explanation{.heading = "Page not found (404)",
                                  .lead = "The request: `" + request.method + ' ' + request.target + '`',
                                  .foot = std::string{kWhyShown}};
    return Response::html(explanation_document("Page not found", explanation_html(explanation, route_table(urls))),
                          404);
}

Response debug_failure(const Explanation& explanation) {
    return Response::html(explanation_document("Server error (500)", explanation_html(explanation)), 500);
}

std::string describe(std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const std::exception& error) {
        return type_name(typeid(error)) + ": " + error.what();
    } catch (...) {
        return type_name(*abi::__cxa_current_exception_type());
    }
}

}  // namespace c10k
