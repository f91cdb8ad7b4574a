#include "wire/response_parser.hpp"

#include "base/text.hpp"
#include "wire/head_tokens.hpp"

#include <utility>

namespace c10k::wire {
namespace {

namespace http = boost::beast::http;

constexpr HttpLimits kDefaultLimits;

// Whether the status line has a version of HTTP/1 that we do not know.
bool names_a_later_http1(std::string_view head) {
    return head.size() > 8 && head.starts_with("HTTP/1.") && is_digit(head[7]) && head[8] == ' ';
}

}  // namespace

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
    HeadTokens<false> tokens;
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

}  // namespace c10k::wire
