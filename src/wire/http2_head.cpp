#include "wire/http2_head.hpp"

#include "base/text.hpp"
#include "wire/host.hpp"
#include "wire/request_parser.hpp"

#include <algorithm>
#include <array>

namespace c10k::wire {
namespace {

// Bytes that a field counts beside its name and value (RFC 9113, 6.5.2).
constexpr std::size_t kFieldOverhead = 32;

// The fields that belong to a connection (RFC 9113, 8.2.2).
constexpr std::array<std::string_view, 5> kForbidden{"connection", "keep-alive", "proxy-connection",
                                                     "transfer-encoding", "upgrade"};

bool is_name(std::string_view name) noexcept {
    return !name.empty() &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_token_char(c) && (c < 'A' || c > 'Z'); });
}

bool is_value(std::string_view value) noexcept {
    return trim(value).size() == value.size() &&
           std::none_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; });
}

bool is_target(std::string_view path) noexcept { return std::all_of(path.begin(), path.end(), is_target_char); }

bool is_authority(std::string_view text) noexcept {
    return Authority::parse(text.ends_with(':') ? text.substr(0, text.size() - 1) : text).has_value();
}

}  // namespace

void Http2HeadReader::fail(State state, std::string_view reason) noexcept {
    state_ = state;
    reason_ = reason;
}

void Http2HeadReader::add(std::string_view name, std::string_view value) {
    if (state_ != State::kGood) {
        return;
    }
    bytes_ += name.size() + value.size() + kFieldOverhead;
    if (bytes_ > limits_.max_bytes) {
        fail(State::kTooLarge, "the head is too large");
    } else if (name.starts_with(':')) {
        add_pseudo(name, value);
    } else {
        add_field(name, value);
    }
}

void Http2HeadReader::add_pseudo(std::string_view name, std::string_view value) {
    if (has_fields_) {
        fail(State::kMalformed, "a pseudo-field behind other fields");
    } else if (kind_ == Kind::kTrailers) {
        fail(State::kMalformed, "a pseudo-field among trailers");
    } else if (kind_ == Kind::kResponse) {
        if (name != ":status" || head_.status != 0) {
            fail(State::kMalformed, "a pseudo-field that no response may have");
        } else if (const auto status = to_number<int>(value);
                   value.size() != 3 || !status || *status < 100 || *status > 599 || *status == 101) {
            fail(State::kMalformed, "bad :status");  // there is no 101 in HTTP/2 (RFC 9113, 8.6)
        } else {
            head_.status = *status;
        }
    } else if (name == ":method") {
        set(head_.method, value);
    } else if (name == ":scheme") {
        set(head_.scheme, value);
    } else if (name == ":authority") {
        set(head_.authority, value);
    } else if (name == ":path") {
        set(head_.path, value);
    } else if (name == ":protocol" && limits_.allows_protocol) {
        set(head_.protocol, value);
    } else {
        fail(State::kMalformed, "a pseudo-field that no request may have");
    }
}

// None of them may be empty, or come twice.
void Http2HeadReader::set(std::string& part, std::string_view value) {
    if (!part.empty() || value.empty()) {
        fail(State::kMalformed, value.empty() ? "an empty pseudo-field" : "a pseudo-field that comes twice");
    } else {
        part = value;
    }
}

void Http2HeadReader::add_field(std::string_view name, std::string_view value) {
    has_fields_ = true;
    if (++fields_ > limits_.max_fields) {
        fail(State::kTooManyFields, "too many fields");
    } else if (!is_name(name)) {
        fail(State::kMalformed, "bad name of a field");
    } else if (!is_value(value)) {
        fail(State::kMalformed, "bad value of a field");
    } else if (std::find(kForbidden.begin(), kForbidden.end(), name) != kForbidden.end() ||
               (name == "te" && value != "trailers")) {
        fail(State::kMalformed, "a field that belongs to a connection");
    } else if (kind_ == Kind::kTrailers) {
        return;  // nobody reads them
    } else if (name == "cookie" && kind_ == Kind::kRequest) {
        cookie_ += cookie_.empty() || value.empty() ? "" : "; ";
        cookie_ += value;
    } else if (name == "host" && kind_ == Kind::kRequest) {
        if (host_) {
            fail(State::kMalformed, "more than one Host");
        } else {
            host_ = value;
        }
    } else {
        if (name == "content-length") {
            read_length(value);
        }
        head_.headers.add(name, value);
    }
}

void Http2HeadReader::read_length(std::string_view value) {
    const auto length = to_number<std::uint64_t>(value);
    if (!length || head_.content_length) {
        fail(State::kMalformed, "bad Content-Length");
    } else {
        head_.content_length = length;
    }
}

Http2HeadReader::State Http2HeadReader::finish() {
    if (state_ == State::kGood && kind_ == Kind::kRequest) {
        finish_request();
    } else if (state_ == State::kGood && kind_ == Kind::kResponse && head_.status == 0) {
        fail(State::kMalformed, "no :status");
    }
    return state_;
}

// RFC 9113, 8.3.1 and 8.5, and 8441, 4.
void Http2HeadReader::finish_request() {
    const bool is_connect = head_.method == "CONNECT";
    const bool is_tunnel = is_connect && head_.protocol.empty();
    if (!is_token(head_.method)) {
        fail(State::kMalformed, "no :method, or a bad one");
    } else if (!is_connect && !head_.protocol.empty()) {
        fail(State::kMalformed, ":protocol without CONNECT");
    } else if (is_tunnel ? !head_.scheme.empty() || !head_.path.empty() : head_.scheme.empty() || head_.path.empty()) {
        fail(State::kMalformed, is_tunnel ? "a CONNECT with :scheme or :path" : "no :scheme or no :path");
    } else if (!is_tunnel && (!is_target(head_.path) ||
                              (head_.path.front() != '/' && (head_.path != "*" || head_.method != "OPTIONS")))) {
        fail(State::kMalformed, "bad :path");
    } else if (host_ && !head_.authority.empty() && !iequals(*host_, head_.authority)) {
        fail(State::kMalformed, "a Host that is not the :authority");
    } else {
        if (head_.authority.empty() && host_ && !is_connect) {
            head_.authority = std::move(*host_);
        }
        if (!is_authority(head_.authority)) {
            fail(State::kMalformed, "no :authority, or a bad one");
        } else if (!cookie_.empty()) {
            head_.headers.add("cookie", cookie_);
        }
    }
}

}  // namespace c10k::wire
