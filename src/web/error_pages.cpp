#include "web/error_pages.hpp"

#include "base/text.hpp"
#include "web/throw_trace.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <fstream>
#include <memory>
#include <typeinfo>
#include <utility>
#include <vector>

namespace c10k {
namespace {

std::string document(std::string_view title, std::string_view body) {
    return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n    <meta charset=\"utf-8\">\n    <title>" +
           html_escape(title) + "</title>\n</head>\n<body>\n" + std::string{body} + "</body>\n</html>\n";
}

std::string status_line(int status) { return std::to_string(status) + ' ' + std::string{reason_phrase(status)}; }

std::string type_name(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name{abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                           &std::free};
    return name ? name.get() : type.name();
}

std::string route_line(const Route& route) {
    const std::string name = route.name().empty() ? "" : " (" + html_escape(route.name()) + ')';
    const std::string kind = route.is_page() ? "" : " WebSocket";
    return "    <li><code>/" + html_escape(route.pattern()) + "</code>" + name + kind + "</li>\n";
}

std::string request_line(const Request& request) {
    return "<p>The request: <code>" + html_escape(request.method + ' ' + request.target) + "</code></p>\n";
}

// The lines around one of a file, the one itself marked; "" if they cannot be read.
std::string excerpt(const TraceFrame& frame) {
    constexpr unsigned kAround = 3;
    std::ifstream file{frame.file};
    std::string lines;
    unsigned number = 1;
    for (std::string line; number <= frame.line + kAround && std::getline(file, line); ++number) {
        if (number + kAround >= frame.line) {
            const std::string text = std::to_string(number) + "  " + html_escape(line) + '\n';
            lines += number == frame.line ? "<mark>" + text + "</mark>" : text;
        }
    }
    return lines.empty() ? "" : "<pre>" + lines + "</pre>\n";
}

std::string trace_list(const std::vector<TraceFrame>& trace) {
    if (trace.empty()) {
        return {};
    }
    std::string list = "<h2>Where it was thrown</h2>\n<ol>\n";
    for (const TraceFrame& frame : trace) {
        const std::string place = frame.file.empty() ? "" : frame.file + ':' + std::to_string(frame.line);
        list += "<li><code>" + html_escape(frame.function) + "</code> " + html_escape(place) + '\n' + excerpt(frame) +
                "</li>\n";
    }
    return list + "</ol>\n";
}

// For the client, if it says more than the status; the errors of views may tell too much.
std::string_view public_sentence(int status) noexcept {
    switch (status) {
        case 404: return "There is nothing at this address.";
        case 415: return "This page cannot read what you sent, for example a form with files.";
        case 500: return "The server made a mistake.";
        default: return {};
    }
}

constexpr std::string_view kWhyShown = "<p>You see this because the setting <code>debug</code> is on.</p>\n";

}  // namespace

Response error_page(int status) {
    const std::string line = status_line(status);
    const std::string_view sentence = public_sentence(status);
    const std::string paragraph = sentence.empty() ? "" : "<p>" + html_escape(sentence) + "</p>\n";
    return Response::html(document(line, "<h1>" + line + "</h1>\n" + paragraph), status);
}

Response debug_page(int status, std::string_view heading, std::string_view text) {
    return Response::html(document(heading, "<h1>" + html_escape(heading) + "</h1>\n<p>" + html_escape(text) +
                                                "</p>\n" + std::string{kWhyShown}),
                          status);
}

Response debug_not_found(const Request& request, const Urls& urls) {
    std::string body = "<h1>Page not found (404)</h1>\n" + request_line(request) +
                       "<p>These routes were tried, in this order, and none matched:</p>\n<ol>\n";
    for (const Route& route : urls) {
        body += route_line(route);
    }
    return Response::html(document("Page not found", body + "</ol>\n" + std::string{kWhyShown}), 404);
}

Response debug_failure(const Request& request, std::string_view route, std::exception_ptr failure) {
    const std::string trace = trace_list(trace_of(failure));
    const std::string what = describe(std::move(failure));
    return Response::html(
        document("Server error", "<h1>Server error (500)</h1>\n<pre>" + html_escape(what) + "</pre>\n" +
                                     request_line(request) + "<p>The route: <code>" + html_escape(route) +
                                     "</code></p>\n" + trace + std::string{kWhyShown}),
        500);
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
