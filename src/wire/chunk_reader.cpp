#include "wire/chunk_reader.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace c10k::wire {
namespace {

using Kind = HttpFailure::Kind;

bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }

}  // namespace

std::size_t ChunkReader::receive(std::string_view bytes, std::string& body, const HttpLimits& limits) {
    const std::size_t before = body.size();
    return receive_piece(bytes, body, limits.max_body_bytes - before, limits);
}

std::size_t ChunkReader::receive_piece(std::string_view bytes, std::string& piece, std::uint64_t room,
                                       const HttpLimits& limits) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !whole() && !failed()) {
        if (at_ != At::kData) {
            take(bytes[taken++], room, limits);
            continue;
        }
        const std::string_view data = bytes.substr(taken, remaining_);
        piece += data;
        room -= data.size();
        taken += data.size();
        remaining_ -= data.size();
        if (remaining_ == 0) {
            at_ = At::kDataCr;
        }
    }
    return taken;
}

void ChunkReader::take(char c, std::uint64_t room, const HttpLimits& limits) {
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

void ChunkReader::end_size(char c, std::uint64_t room) {
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

}  // namespace c10k::wire
