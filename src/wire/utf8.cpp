#include "wire/utf8.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <simdjson.h>

namespace c10k::wire {
namespace {

bool continues(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// The bytes of the last code point if its end is missing, judged by its first byte alone; else none.
std::string_view cut_tail(std::string_view text) {
    for (std::size_t size = 1; size <= std::min<std::size_t>(3, text.size()); ++size) {
        const std::string_view tail = text.substr(text.size() - size);
        const auto first = static_cast<unsigned char>(tail[0]);
        if (!continues(first)) {
            const std::size_t whole = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
            return size < whole ? tail : std::string_view{};
        }
    }
    return {};
}

// Whether a cut tail begins a code point (RFC 3629, 4): no overlong forms, no surrogates, nothing above U+10FFFF.
bool begins_code_point(std::string_view tail) {
    const auto first = static_cast<unsigned char>(tail[0]);
    if (first < 0xC2 || first > 0xF4) {
        return false;
    }
    if (tail.size() == 1) {
        return true;
    }
    const auto second = static_cast<unsigned char>(tail[1]);
    switch (first) {
        case 0xE0: return second >= 0xA0;
        case 0xED: return second <= 0x9F;
        case 0xF0: return second >= 0x90;
        case 0xF4: return second <= 0x8F;
        default: return true;
    }
}

// At its first use simdjson chooses the implementation for this processor, and allocates memory for that: here, not in
// a noexcept function of a server that has none left.
[[maybe_unused]] const bool kProcessorIsKnown = simdjson::validate_utf8("", 0);

}  // namespace

bool is_utf8(std::string_view text) noexcept { return simdjson::validate_utf8(text.data(), text.size()); }

std::optional<std::size_t> whole_utf8(std::string_view beginning) noexcept {
    if (beginning.size() < 64 && is_ascii(beginning)) {  // most messages; simdjson is built for longer ones
        return beginning.size();
    }
    const std::string_view tail = cut_tail(beginning);
    const std::size_t whole = beginning.size() - tail.size();
    if ((!tail.empty() && !begins_code_point(tail)) || !is_utf8(beginning.substr(0, whole))) {
        return std::nullopt;
    }
    return whole;
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) noexcept {
    if (text.size() <= max_bytes) {
        return text;
    }
    std::size_t end = max_bytes;
    while (end > 0 && continues(static_cast<unsigned char>(text[end]))) {
        --end;
    }
    return text.substr(0, end);
}

}  // namespace c10k::wire
