#include "c10k/http.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <stdexcept>

namespace c10k {

namespace {

// As application/x-www-form-urlencoded has it (WHATWG URL, 5.1).
std::string decode_form(std::string_view encoded) {
    std::string text{encoded};
    std::replace(text.begin(), text.end(), '+', ' ');
    return repair_utf8(percent_decode(text));
}

// Whether a cookie's value may hold `c` (RFC 6265, 4.1.1).
bool is_cookie_octet(char c) {
    return c > ' ' && c < '\x7f' && std::string_view{"\",;\\"}.find(c) == std::string_view::npos;
}

std::string_view without_quotes(std::string_view value) {
    const bool is_quoted = value.size() >= 2 && value.starts_with('"') && value.ends_with('"');
    return is_quoted ? value.substr(1, value.size() - 2) : value;
}

std::string_view name_of(SameSite same_site) {
    switch (same_site) {
        case SameSite::kLax: return "Lax";
        case SameSite::kStrict: return "Strict";
        case SameSite::kNone: return "None";
    }
    return {};
}

}  // namespace

void Headers::add(std::string_view name, std::string_view value) {
    constexpr std::size_t kUsual = 8;
    if (fields_.capacity() == 0) {
        fields_.reserve(kUsual);  // not one, two and four before
    }
    fields_.push_back({std::string{name}, std::string{value}});
}

void Headers::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

void Headers::remove(std::string_view name) {
    std::erase_if(fields_, [name](const Field& field) { return iequals(field.name, name); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
    const auto field =
        std::find_if(begin(), end(), [name](const Field& candidate) { return iequals(candidate.name, name); });
    if (field == end()) {
        return std::nullopt;
    }
    return field->value;
}

std::size_t Headers::count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::count_if(begin(), end(), [name](const Field& field) { return iequals(field.name, name); }));
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
    return std::any_of(begin(), end(), [name, token](const Field& field) {
        if (!iequals(field.name, name)) {
            return false;
        }
        const auto members = split_list(field.value);
        return std::any_of(members.begin(), members.end(),
                           [token](std::string_view member) { return iequals(member, token); });
    });
}

Parameters Parameters::parse(std::string_view encoded) {
    Parameters parameters;
    while (!encoded.empty() && parameters.size() < kMaxItems) {
        const std::size_t end = std::min(encoded.find('&'), encoded.size());
        const std::string_view item = encoded.substr(0, end);
        encoded.remove_prefix(std::min(end + 1, encoded.size()));
        if (item.empty()) {
            continue;
        }
        const std::size_t equals = std::min(item.find('='), item.size());
        parameters.add(decode_form(item.substr(0, equals)),
                       decode_form(item.substr(std::min(equals + 1, item.size()))));
    }
    return parameters;
}

std::optional<std::string_view> Parameters::get(std::string_view name) const {
    const auto item =
        std::find_if(items_.rbegin(), items_.rend(), [name](const Item& candidate) { return candidate.name == name; });
    if (item == items_.rend()) {
        return std::nullopt;
    }
    return item->value;
}

Parameters Request::query() const {
    const std::size_t mark = std::min(target.find('?'), target.size());
    return Parameters::parse(std::string_view{target}.substr(std::min(mark + 1, target.size())));
}

Parameters Request::cookies() const {
    Parameters cookies;
    for (const auto& [name, value] : headers) {
        std::string_view rest = iequals(name, "Cookie") ? std::string_view{value} : std::string_view{};
        while (!rest.empty() && cookies.size() < Parameters::kMaxItems) {
            const std::string_view pair = rest.substr(0, rest.find(';'));
            rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
            const std::size_t equals = std::min(pair.find('='), pair.size());
            const std::string_view cookie = trim(pair.substr(0, equals));
            if (!cookie.empty() && equals < pair.size()) {
                cookies.add(repair_utf8(cookie), repair_utf8(without_quotes(trim(pair.substr(equals + 1)))));
            }
        }
    }
    return cookies;
}

Response Response::text(std::string body, int status) {
    return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

Response Response::html(std::string body, int status) {
    return {status, {{"Content-Type", "text/html; charset=utf-8"}}, std::move(body)};
}

Response Response::redirect(std::string location, int status) {
    return {status, {{"Location", std::move(location)}}, {}};
}

Response Response::stream(std::string content_type, BodyStream stream) {
    return {200, {{"Content-Type", std::move(content_type)}}, {}, std::move(stream)};
}

void Response::set_cookie(std::string_view name, std::string_view value, const CookieOptions& options) {
    if (!is_token(name) || !std::all_of(value.begin(), value.end(), is_cookie_octet)) {
        throw std::logic_error("not a cookie: " + percent_encode(name) + '=' + percent_encode(value));
    }
    if (!std::all_of(options.path.begin(), options.path.end(), is_cookie_octet)) {
        throw std::logic_error("not a cookie's path: " + percent_encode(options.path));
    }
    if (options.same_site == SameSite::kNone && !options.secure) {
        throw std::logic_error("browsers refuse a cookie for all sites' pages that is not secure");
    }
    std::string field{name};
    field += '=';
    field += value;
    if (!options.path.empty()) {
        field += "; Path=" + options.path;
    }
    if (options.max_age) {
        field += "; Max-Age=" + std::to_string(options.max_age->count());
    }
    if (options.secure) {
        field += "; Secure";
    }
    if (options.http_only) {
        field += "; HttpOnly";
    }
    field += "; SameSite=";
    field += name_of(options.same_site);
    headers.add("Set-Cookie", field);
}

std::string_view reason_phrase(int status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 101: return "Switching Protocols";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 203: return "Non-Authoritative Information";
        case 204: return "No Content";
        case 205: return "Reset Content";
        case 206: return "Partial Content";
        case 300: return "Multiple Choices";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 305: return "Use Proxy";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 402: return "Payment Required";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 407: return "Proxy Authentication Required";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 426: return "Upgrade Required";
        case 428: return "Precondition Required";            // RFC 6585
        case 429: return "Too Many Requests";                // RFC 6585
        case 431: return "Request Header Fields Too Large";  // RFC 6585
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return {};
    }
}

}  // namespace c10k
