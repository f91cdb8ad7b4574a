#include "wire/http1.hpp"

#include "base/text.hpp"
#include "wire/host.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>

namespace c10k::wire {

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

using Kind = HttpFailure::Kind;

// Beast splits a head into its parts and checks their letters. It is shown whole heads only, which HeadReader has let
// through, and no bodies: the laxness it has there does not matter.
template <bool kIsRequest>
class Tokens final : public http::basic_parser<kIsRequest> {
public:
    // Why the head is none; empty if it is one.
    std::optional<http::error> read(std::string_view head) {
        this->skip(true);
        this->header_limit(static_cast<std::uint32_t>(head.size()));
        beast::error_code error;
        this->put(boost::asio::const_buffer{head.data(), head.size()}, error);
        if (error) {
            return static_cast<http::error>(error.value());
        }
        return std::nullopt;
    }

    std::string method;
    std::string target;
    int status = 0;
    int minor_version = 1;
    Headers headers;

private:
    void on_request_impl(http::verb, beast::string_view name, beast::string_view where, int version,
                         beast::error_code&) override {
        method = name;
        target = where;
        minor_version = version % 10;
    }
    void on_response_impl(int code, beast::string_view, int version, beast::error_code&) override {
        status = code;
        minor_version = version % 10;
    }
    void on_field_impl(http::field, beast::string_view name, beast::string_view value, beast::error_code&) override {
        headers.add(name, value);
    }
    void on_header_impl(beast::error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
    std::size_t on_body_impl(beast::string_view body, beast::error_code&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, beast::error_code&) override {
        return body.size();
    }
    void on_finish_impl(beast::error_code&) override {}
};

std::string_view explain(http::error error) {
    switch (error) {
        case http::error::bad_method: return "bad method";
        case http::error::bad_target: return "bad target";
        case http::error::bad_version: return "bad HTTP version";
        case http::error::bad_status: return "bad status";
        case http::error::bad_reason: return "bad reason phrase";
        case http::error::bad_field: return "bad field name";
        case http::error::bad_value: return "bad field value";
        case http::error::bad_content_length:
        case http::error::multiple_content_length: return "bad Content-Length";
        case http::error::bad_transfer_encoding: return "bad Transfer-Encoding";
        default: return "not HTTP";
    }
}

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

constexpr std::string_view kHttps = "https";

// The head with the version that we know where a later HTTP/1 stands, which is read as that (RFC 9110, 2.5).
std::string with_known_version(std::string_view head, std::size_t at) {
    constexpr std::string_view kVersion = "HTTP/1.1";
    std::string known{head};
    known.replace(at, kVersion.size(), kVersion);
    return known;
}

// The version of a response.
bool names_a_later_http1(std::string_view head) {
    return head.size() > 8 && head.starts_with("HTTP/1.") && is_digit(head[7]) && head[8] == ' ';
}

bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }

// Lets the memory go too: the assignment of a short string would keep the buffer of a long one.
template <class Reader>
void renew(Reader& reader, Reader fresh) {
    std::swap(reader, fresh);
}

constexpr HttpLimits kDefaultLimits;

}  // namespace

int HttpFailure::status() const noexcept {
    switch (kind) {
        case Kind::kNone:
        case Kind::kMalformed: return 400;
        case Kind::kBodyTooLarge: return 413;
        case Kind::kFirstLineTooLong: return 414;
        case Kind::kUnknownExpectation: return 417;
        case Kind::kHeadTooLarge:
        case Kind::kTooManyFields: return 431;
        case Kind::kUnknownCoding: return 501;
        case Kind::kUnknownVersion: return 505;
    }
    return 400;
}

std::size_t HeadReader::receive(std::string_view bytes, const HttpLimits& limits) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !whole_ && !failed()) {
        take(bytes[taken++], limits);
    }
    keep(bytes.substr(0, taken), limits);
    return taken;
}

void HeadReader::take(char c, const HttpLimits& limits) {
    if (++size_ > limits.max_head_bytes) {
        return fail(Kind::kHeadTooLarge, "the header fields are too large");
    }
    if (after_cr_) {
        if (c != '\n') {
            return fail(Kind::kMalformed, "a CR without LF");
        }
        return end_line(limits);
    }
    if (c == '\r') {
        after_cr_ = true;
        return;
    }
    if (c == '\n') {
        return fail(Kind::kMalformed, "an LF without CR");
    }
    if (is_control(c) && c != '\t') {
        return fail(Kind::kMalformed, "a control character");
    }
    if (line_ == 0 && (c == ' ' || c == '\t')) {
        return fail(Kind::kMalformed, "a line that begins with space");
    }
    if (++line_ > limits.max_request_line_bytes && lines_ == 0) {
        return fail(Kind::kFirstLineTooLong, "the first line is too long");
    }
}

void HeadReader::end_line(const HttpLimits& limits) {
    after_cr_ = false;
    if (line_ == 0) {
        // One empty line may precede a request: some clients end a body with it (RFC 9112, 2.2).
        if (lines_ == 0 && size_ > 2) {
            return fail(Kind::kMalformed, "an empty request");
        }
        whole_ = lines_ > 0;
        return;
    }
    line_ = 0;
    if (++lines_ > limits.max_header_fields + 1) {
        fail(Kind::kTooManyFields, "too many header fields");
    }
}

void HeadReader::keep(std::string_view bytes, const HttpLimits& limits) {
    // Doubled as strings do, but not past the limit, which reserve() on the old string would do.
    const std::size_t wanted = text_.size() + bytes.size();
    if (wanted > text_.capacity()) {
        std::string larger;
        larger.reserve(std::max(wanted, std::min(2 * text_.capacity(), std::size_t{limits.max_head_bytes})));
        larger += text_;
        text_ = std::move(larger);
    }
    text_ += bytes;
}

std::size_t ChunkReader::receive(std::string_view bytes, std::string& body, const HttpLimits& limits) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !whole() && !failed()) {
        if (at_ != At::kData) {
            take(bytes[taken++], limits.max_body_bytes - body.size(), limits);
            continue;
        }
        const std::string_view data = bytes.substr(taken, remaining_);
        body += data;
        taken += data.size();
        remaining_ -= data.size();
        if (remaining_ == 0) {
            at_ = At::kDataCr;
        }
    }
    return taken;
}

void ChunkReader::take(char c, std::size_t room, const HttpLimits& limits) {
    switch (at_) {
        case At::kSize: return take_size(c, limits);
        case At::kBeforeSemicolon:
        case At::kBeforeName:
        case At::kName:
        case At::kAfterName:
        case At::kBeforeValue:
        case At::kValue:
        case At::kQuoted:
        case At::kQuotedPair:
        case At::kAfterQuoted: count_overhead(Kind::kMalformed, limits); return take_extension(c);
        case At::kSizeLf: return end_size(c, room);
        case At::kData: return;
        case At::kDataCr: return expect('\r', c, At::kDataLf);
        case At::kDataLf: return expect('\n', c, At::kSize);
        case At::kTrailer:
        case At::kTrailerName: return take_name(c, limits);
        case At::kTrailerValue: count_overhead(Kind::kHeadTooLarge, limits); return take_text(c, At::kTrailerLf);
        case At::kTrailerLf: return expect('\n', c, At::kTrailer);
        case At::kLastLf: return expect('\n', c, At::kEnd);
        case At::kEnd: return;
    }
}

void ChunkReader::take_size(char c, const HttpLimits& limits) {
    constexpr std::uint8_t kMaxDigits = 16;  // as many as 64 bits hold
    if (const int digit = hex_digit(c); digit >= 0 && digits_ < kMaxDigits) {
        remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
        ++digits_;
    } else if (digits_ > 0 && c == '\r') {
        at_ = At::kSizeLf;
    } else if (digits_ > 0 && (c == ';' || is_space(c))) {
        count_overhead(Kind::kMalformed, limits);
        at_ = c == ';' ? At::kBeforeName : At::kBeforeSemicolon;
    } else {
        fail(Kind::kMalformed, "bad chunk size");
    }
}

// RFC 9112, 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), and no space at the end.
void ChunkReader::take_extension(char c) {
    const bool is_end = at_ == At::kName || at_ == At::kValue || at_ == At::kAfterQuoted;  // it may be one
    const bool has_begun = is_end || at_ == At::kBeforeSemicolon || at_ == At::kAfterName;
    if (at_ == At::kQuotedPair || at_ == At::kQuoted) {
        take_quoted(c);
    } else if (is_space(c)) {
        at_ = at_ == At::kName ? At::kAfterName : is_end ? At::kBeforeSemicolon : at_;
    } else if (c == '\r' && is_end) {
        at_ = At::kSizeLf;
    } else if (c == ';' && has_begun) {
        at_ = At::kBeforeName;
    } else if (c == '=' && (at_ == At::kName || at_ == At::kAfterName)) {
        at_ = At::kBeforeValue;
    } else if (c == '"' && at_ == At::kBeforeValue) {
        at_ = At::kQuoted;
    } else if (is_token_char(c) && (at_ == At::kBeforeName || at_ == At::kName)) {
        at_ = At::kName;
    } else if (is_token_char(c) && (at_ == At::kBeforeValue || at_ == At::kValue)) {
        at_ = At::kValue;
    } else {
        fail(Kind::kMalformed, "bad chunk extension");
    }
}

// RFC 9110, 5.6.4.
void ChunkReader::take_quoted(char c) {
    if (is_control(c) && c != '\t') {
        fail(Kind::kMalformed, "bad chunk extension");
    } else if (at_ == At::kQuotedPair || (c != '"' && c != '\\')) {
        at_ = At::kQuoted;
    } else {
        at_ = c == '"' ? At::kAfterQuoted : At::kQuotedPair;
    }
}

void ChunkReader::end_size(char c, std::size_t room) {
    if (remaining_ > room) {
        return fail(Kind::kBodyTooLarge, "the body is too large");
    }
    digits_ = 0;
    expect('\n', c, remaining_ == 0 ? At::kTrailer : At::kData);
}

void ChunkReader::take_name(char c, const HttpLimits& limits) {
    count_overhead(Kind::kHeadTooLarge, limits);
    const bool first = at_ == At::kTrailer;
    if (first && c == '\r') {
        at_ = At::kLastLf;
    } else if (!first && c == ':') {
        at_ = At::kTrailerValue;
    } else if (is_token_char(c)) {
        at_ = At::kTrailerName;
    } else {
        fail(Kind::kMalformed, "bad trailer field");
    }
}

void ChunkReader::take_text(char c, At after_cr) {
    if (c == '\r') {
        at_ = after_cr;
    } else if (is_control(c) && c != '\t') {
        fail(Kind::kMalformed, "a control character");
    }
}

void ChunkReader::expect(char wanted, char c, At next) {
    if (c != wanted) {
        return fail(Kind::kMalformed, "bad chunk");
    }
    at_ = next;
}

void ChunkReader::count_overhead(Kind kind, const HttpLimits& limits) {
    if (++overhead_ > limits.max_head_bytes) {
        fail(kind, "too much beside the body's data");
    }
}

RequestParser::RequestParser() : RequestParser(kDefaultLimits) {}

std::size_t RequestParser::receive(std::string_view bytes) {
    std::size_t taken = 0;
    if (state_ == State::kHead) {
        taken += receive_head(bytes);
    }
    if (state_ == State::kBody) {
        taken += receive_body(bytes.substr(taken));
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

std::size_t RequestParser::receive_body(std::string_view bytes) {
    if (bytes.empty()) {
        return 0;
    }
    wants_continue_ = false;  // it did not wait
    if (!chunked_) {
        const std::string_view data = bytes.substr(0, length_ - request_.body.size());
        request_.body += data;
        if (request_.body.size() == length_) {
            state_ = State::kComplete;
        }
        return data.size();
    }
    const std::size_t taken = chunks_.receive(bytes, request_.body, *limits_);
    if (chunks_.failed()) {
        fail(chunks_.failure().kind, chunks_.failure().reason);
    } else if (chunks_.whole()) {
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
    Tokens<true> tokens;
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
    const std::string_view host = without_empty_port(field);
    if (!Authority::parse(host)) {
        return fail(Kind::kMalformed, "bad Host");
    }
    if (host.size() < field.size()) {
        request_.headers.set("Host", std::string{host});
    }
    return true;
}

// RFC 9112, 3.2: origin form, absolute form, or "*" for OPTIONS.
bool RequestParser::read_target() {
    std::string& target = request_.target;
    if (!std::all_of(target.begin(), target.end(), is_target_char)) {
        return fail(Kind::kMalformed, "bad target");
    }
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
        const std::string authority{without_empty_port(std::string_view{target}.substr(host, path - host))};
        if (!Authority::parse(authority)) {
            return fail(Kind::kMalformed, "bad target");
        }
        scheme_ = scheme == kHttps.size() ? TargetScheme::kHttps : TargetScheme::kHttp;
        request_.headers.set("Host", authority);
        target.erase(0, path);
        if (!target.starts_with('/')) {
            target.insert(0, 1, '/');
        }
    }
    request_.path = repair_utf8(percent_decode(std::string_view{target}.substr(0, target.find('?'))));
    if (request_.path.find('\0') != std::string::npos) {
        return fail(Kind::kMalformed, "bad target");
    }
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
        if (*length > limits_->max_body_bytes) {
            return fail(Kind::kBodyTooLarge, "the body is too large");
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

ResponseParser::ResponseParser() : ResponseParser(kDefaultLimits) {}

std::size_t ResponseParser::receive(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && state_ == State::kHead) {
        taken += head_.receive(bytes.substr(taken), *limits_);
        if (head_.failed()) {
            fail(head_.failure().reason);
        } else if (head_.whole()) {
            read_head();
        }
    }
    return taken;
}

void ResponseParser::read_head() {
    constexpr int kMaxSkipped = 16;
    Tokens<false> tokens;
    auto error = tokens.read(head_.text());
    if (error == http::error::bad_version && names_a_later_http1(head_.text())) {
        tokens = {};
        error = tokens.read(with_known_version(head_.text(), 0));
    }
    if (error) {
        return fail(explain(*error));
    }
    renew(head_, {});
    if (tokens.status < 200 && tokens.status != 101) {
        if (++skipped_ > kMaxSkipped) {
            fail("too many informational answers");
        }
        return;
    }
    if (tokens.status == 101 && tokens.minor_version == 0) {
        return fail("HTTP/1.0 cannot switch protocols");
    }
    response_.status = tokens.status;
    response_.headers = std::move(tokens.headers);
    state_ = State::kComplete;
}

void ResponseParser::fail(std::string_view reason) {
    renew(*this, ResponseParser{*limits_});
    state_ = State::kFailed;
    failure_ = reason;
}

namespace {

void require_field(std::string_view name, std::string_view value) {
    const auto ends_line = [](char c) { return is_control(c) && c != '\t'; };
    if (!is_token(name) || std::any_of(value.begin(), value.end(), ends_line)) {
        throw std::logic_error("not a header field: " + percent_encode(name, " ") + ": " + percent_encode(value, " "));
    }
}

}  // namespace

void require_final(int status) {
    if (status < 200 || status > 599) {
        throw std::logic_error("a view answers with a status from 200 to 599, not " + std::to_string(status));
    }
}

void require_sendable(const Response& response) {
    require_final(response.status);
    for (const auto& [name, value] : response.headers) {
        require_field(name, value);
    }
}

std::string to_bytes(const Response& response, const ResponseOptions& options) {
    if (response.status < 100 || response.status > 999) {
        throw std::logic_error("an HTTP status has three digits, not " + std::to_string(response.status));
    }
    const bool informational = response.status < 200;
    const bool is_framed = has_body(response.status);
    const bool is_reset = response.status == 205;  // it has no content, and must say so (RFC 9110, 15.3.6)

    std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    bytes += reason_phrase(response.status);
    bytes += "\r\n";
    for (const auto& [name, value] : response.headers) {
        if (!iequals(name, "Content-Length") && !iequals(name, "Transfer-Encoding")) {
            append_field(bytes, name, value);
        }
    }
    if (!options.date.empty() && response.headers.count("Date") == 0) {
        append_field(bytes, "Date", options.date);
    }
    if (is_framed && options.framing == Framing::kLength) {
        const std::optional<std::size_t> streamed = response.body_stream ? response.stream_bytes : std::nullopt;
        append_field(bytes, "Content-Length", std::to_string(streamed.value_or(response.body.size())));
    } else if (is_framed && options.framing == Framing::kChunked) {
        append_field(bytes, "Transfer-Encoding", "chunked");
    } else if (is_reset) {
        append_field(bytes, "Content-Length", "0");
    }
    if (!informational && !options.keep_alive) {
        append_field(bytes, "Connection", "close");
    } else if (!informational && options.minor_version == 0) {
        append_field(bytes, "Connection", "keep-alive");
    }
    bytes += "\r\n";
    if (is_framed && options.framing == Framing::kLength && !options.head_only && !response.body_stream) {
        bytes += response.body;
    }
    return bytes;
}

std::string chunk_head(std::size_t size) {
    std::array<char, 2 * sizeof size> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
    return std::string{digits.data(), end} + "\r\n";
}

void append_field(std::string& bytes, std::string_view name, std::string_view value) {
    require_field(name, value);
    bytes += name;
    bytes += ": ";
    bytes += value;
    bytes += "\r\n";
}

}  // namespace c10k::wire
