#include "wire/head_reader.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace c10k::wire {
namespace {

using Kind = HttpFailure::Kind;

}  // namespace

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

}  // namespace c10k::wire
