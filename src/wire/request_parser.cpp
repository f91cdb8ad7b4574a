#include "wire/request_parser.hpp"

#include "base/text.hpp"
#include "wire/head_tokens.hpp"
#include "wire/host.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace c10k::wire {
namespace {

namespace http = boost::beast::http;

using Kind = HttpFailure::Kind;

constexpr HttpLimits kDefaultLimits;

constexpr std::string_view kHttps = "https";

// Where the version stands in a request line of three parts, be it ours or not.
std::optional<std::size_t> find_version(std::string_view head) {
    const std::string_view line = head.substr(0, head.find('\r'));
    const std::size_t at = line.rfind(' ') + 1;
    const std::string_view version = line.substr(at);
    const bool is_one = std::count(line.begin(), line.end(), ' ') == 2 && version.size() == 8 &&
                        version.starts_with("HTTP/") && is_digit(version[5]) && version[6] == '.' &&
                        is_digit(version[7]);
    return is_one ? std::optional{at} : std::nullopt;
}

// Why a request with these transfer codings is refused (RFC 9112, 6.1 and 6.3); no reason if they are one "chunked".
HttpFailure judge_codings(const Headers& headers) {
    std::vector<std::string_view> codings;  // several fields are one list (RFC 9110, 5.3)
    for (const Headers::Field& field : headers) {
        if (iequals(field.name, "Transfer-Encoding")) {
            const auto more = split_list(field.value);
            codings.insert(codings.end(), more.begin(), more.end());
        }
    }
    if (codings.empty()) {
        return {Kind::kMalformed, "an empty Transfer-Encoding"};
    }
    for (const std::string_view coding : codings) {
        const std::string_view name = trim(coding.substr(0, coding.find(';')));
        if (!is_token(name)) {
            return {Kind::kMalformed, "bad Transfer-Encoding"};
        }
        const bool is_last = coding.data() == codings.back().data();
        if (iequals(name, "chunked") && (!is_last || name.size() < coding.size())) {
            return {Kind::kMalformed, "chunked must be the last Transfer-Encoding, once and without parameters"};
        }
    }
    if (codings.size() > 1 || !iequals(codings.front(), "chunked")) {
        return {Kind::kUnknownCoding, "the only Transfer-Encoding understood is chunked"};
    }
    return {};
}

// "localhost:" is the same as "localhost" (RFC 3986, 3.2.3 and 6.2.3).
std::string_view without_empty_port(std::string_view authority) {
    if (!authority.ends_with(':')) {
        return authority;
    }
    const std::string_view host = authority.substr(0, authority.size() - 1);
    const auto parsed = Authority::parse(host);
    return parsed && !parsed->port ? host : authority;
}

}  // namespace

RequestParser::RequestParser() : RequestParser(kDefaultLimits) {}

std::size_t RequestParser::receive(std::string_view bytes) {
    std::size_t taken = 0;
    if (state_ == State::kHead) {
        taken += receive_head(bytes);
    }
    if (state_ != State::kBody) {
        return taken;
    }
    if (length_ > limits_->max_body_bytes) {
        fail(Kind::kBodyTooLarge, "the body is too large");
        return taken;
    }
    taken += receive_body(bytes.substr(taken), request_.body, limits_->max_body_bytes - request_.body.size());
    if (chunks_.failed()) {
        fail(chunks_.failure().kind, chunks_.failure().reason);
    }
    return taken;
}

std::size_t RequestParser::receive_head(std::string_view bytes) {
    const std::size_t taken = head_.receive(bytes, *limits_);
    if (head_.failed()) {
        fail(head_.failure().kind, head_.failure().reason);
    } else if (head_.whole()) {
        read_head();
    }
    return taken;
}

std::size_t RequestParser::receive_piece(std::string_view bytes, std::string& piece) {
    const std::size_t taken = receive_body(bytes, piece, UINT64_MAX);
    if (chunks_.failed()) {
        state_ = State::kFailed;
        failure_ = chunks_.failure();
    }
    return taken;
}

std::size_t RequestParser::receive_body(std::string_view bytes, std::string& body, std::uint64_t room) {
    if (bytes.empty()) {
        return 0;
    }
    wants_continue_ = false;  // it did not wait
    if (!chunked_) {
        const std::string_view data = bytes.substr(0, length_);
        body += data;
        length_ -= data.size();
        if (length_ == 0) {
            state_ = State::kComplete;
        }
        return data.size();
    }
    const std::size_t taken = chunks_.receive_piece(bytes, body, room, *limits_);
    if (chunks_.whole()) {
        state_ = State::kComplete;
    }
    return taken;
}

void RequestParser::read_head() {
    if (read_tokens() && read_host() && read_target() && read_framing() && read_connection()) {
        renew(head_, {});
        state_ = chunked_ || length_ > 0 ? State::kBody : State::kComplete;
    }
}

bool RequestParser::read_tokens() {
    std::string_view head = head_.text();
    if (head.starts_with("\r\n")) {
        head.remove_prefix(2);
    }
    HeadTokens<true> tokens;
    auto error = tokens.read(head);
    if (const auto version = error == http::error::bad_version ? find_version(head) : std::nullopt) {
        if (!head.substr(*version).starts_with("HTTP/1.")) {
            return fail(Kind::kUnknownVersion, explain(*error));
        }
        tokens = {};
        error = tokens.read(with_known_version(head, *version));
    }
    if (error) {
        return fail(Kind::kMalformed, explain(*error));
    }
    request_.method = std::move(tokens.method);
    request_.target = std::move(tokens.target);
    request_.headers = std::move(tokens.headers);
    minor_version_ = static_cast<std::uint8_t>(tokens.minor_version);
    return true;
}

// RFC 9112, 3.2: one Host, which only HTTP/1.0 may leave out.
bool RequestParser::read_host() {
    const std::size_t count = request_.headers.count("Host");
    if (count > 1 || (count == 0 && minor_version_ > 0)) {
        return fail(Kind::kMalformed, count == 0 ? "no Host" : "more than one Host");
    }
    if (count == 0) {
        return true;
    }
    const std::string_view field = *request_.headers.get("Host");
    const auto host = host_of(field);
    if (!host) {
        return fail(Kind::kMalformed, "bad Host");
    }
    if (host->size() < field.size()) {
        request_.headers.set("Host", std::string{*host});
    }
    return true;
}

// RFC 9112, 3.2: origin form, absolute form, or "*" for OPTIONS.
bool RequestParser::read_target() {
    std::string& target = request_.target;
    if (target == "*" && request_.method == "OPTIONS") {
        request_.path = target;
        return true;
    }
    if (!target.starts_with('/')) {
        const std::size_t scheme = target.find("://");
        if (scheme == std::string::npos ||
            (!iequals(target.substr(0, scheme), "http") && !iequals(target.substr(0, scheme), kHttps))) {
            return fail(Kind::kMalformed, "bad target");
        }
        const std::size_t host = scheme + 3;
        const std::size_t path = std::min(target.find_first_of("/?", host), target.size());
        const auto authority = host_of(std::string_view{target}.substr(host, path - host));
        if (!authority) {
            return fail(Kind::kMalformed, "bad target");
        }
        scheme_ = scheme == kHttps.size() ? TargetScheme::kHttps : TargetScheme::kHttp;
        request_.headers.set("Host", *authority);
        target.erase(0, path);
        if (!target.starts_with('/')) {
            target.insert(0, 1, '/');
        }
    }
    auto path = path_of(target);
    if (!path) {
        return fail(Kind::kMalformed, "bad target");
    }
    request_.path = std::move(*path);
    return true;
}

// RFC 9112, 6.3: how long the body is, which must be said in one way only.
bool RequestParser::read_framing() {
    const Headers& headers = request_.headers;
    const std::size_t codings = headers.count("Transfer-Encoding");
    const std::size_t lengths = headers.count("Content-Length");
    if (codings > 0 && lengths > 0) {
        return fail(Kind::kMalformed, "both Transfer-Encoding and Content-Length");
    }
    if (codings > 0) {
        if (minor_version_ == 0) {
            return fail(Kind::kMalformed, "bad Transfer-Encoding");
        }
        if (const HttpFailure failure = judge_codings(headers); failure.kind != Kind::kNone) {
            return fail(failure.kind, failure.reason);
        }
        chunked_ = true;
    }
    if (lengths > 0) {
        const auto length = to_number<std::uint64_t>(*headers.get("Content-Length"));
        if (lengths > 1 || !length) {
            return fail(Kind::kMalformed, "bad Content-Length");
        }
        length_ = *length;
    }
    return true;
}

bool RequestParser::read_connection() {
    const Headers& headers = request_.headers;
    keep_alive_ = !headers.has_token("Connection", "close") &&
                  (minor_version_ > 0 || headers.has_token("Connection", "keep-alive"));
    // An expectation from HTTP/1.0 is ignored (RFC 9110, 10.1.1).
    if (const auto expectation = headers.get("Expect"); expectation && minor_version_ > 0) {
        if (headers.count("Expect") > 1 || !iequals(*expectation, "100-continue")) {
            return fail(Kind::kUnknownExpectation, "unknown expectation");
        }
        wants_continue_ = chunked_ || length_ > 0;
    }
    return true;
}

bool RequestParser::fail(Kind kind, std::string_view reason) {
    renew(*this, RequestParser{*limits_});
    state_ = State::kFailed;
    failure_ = {kind, reason};
    return false;
}

void RequestParser::reset() { renew(*this, RequestParser{*limits_}); }

std::optional<std::string> path_of(std::string_view target) {
    if (!std::all_of(target.begin(), target.end(), is_target_char)) {
        return std::nullopt;
    }
    std::string path = repair_utf8(percent_decode(target.substr(0, target.find('?'))));
    return path.find('\0') == std::string::npos ? std::optional{std::move(path)} : std::nullopt;
}

std::optional<std::string_view> host_of(std::string_view authority) {
    const std::string_view host = without_empty_port(authority);
    return Authority::parse(host) ? std::optional{host} : std::nullopt;
}

}  // namespace c10k::wire
