#include "base/text.hpp"

#include "c10k/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace c10k {

namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

struct Utf8Sequence {
    std::size_t size;  // at least 1
    bool whole;
};

// The sequence at the start of `bytes`, not empty, or as much of one as is well formed (Unicode 15, table 3-7).
Utf8Sequence first_sequence(std::string_view bytes) noexcept {
    const auto byte = [bytes](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) {
        return {1, true};
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return {1, false};
    }
    const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    // The second byte's range is narrower after these: no long forms, no surrogates, nothing above U+10FFFF.
    unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    std::size_t size = 1;
    while (size < length && size < bytes.size() && byte(size) >= lowest && byte(size) <= highest) {
        ++size;
        lowest = 0x80;
        highest = 0xbf;
    }
    return {size, size == length};
}

// The number of the character that this sequence encodes. Requires: the sequence is whole.
unsigned code_point(std::string_view sequence) noexcept {
    const auto lead = static_cast<unsigned char>(sequence.front());
    if (sequence.size() == 1) {
        return lead;
    }
    unsigned number = lead & (0x7fU >> sequence.size());
    for (const char c : sequence.substr(1)) {
        number = number << 6 | (static_cast<unsigned char>(c) & 0x3fU);
    }
    return number;
}

// The control characters of ASCII and of ISO 6429 (C1), line ends, and characters that change the direction of writing
// (UAX 9).
bool is_obeyed(unsigned number) noexcept {
    const auto in = [number](unsigned first, unsigned last) { return number >= first && number <= last; };
    return number < 0x20 || in(0x7f, 0x9f) || number == 0x61c || in(0x200e, 0x200f) || in(0x2028, 0x202e) ||
           in(0x2066, 0x2069);
}

void append_escaped(std::string& text, unsigned number) {
    switch (number) {
        case '\n': text += "\\n"; return;
        case '\r': text += "\\r"; return;
        case '\t': text += "\\t"; return;
        default: break;
    }
    std::array<char, 8> escape;
    std::snprintf(escape.data(), escape.size(), number < 0x80 ? "\\x%02x" : "\\u%04x", number);
    text += escape.data();
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

std::string to_lower(std::string_view text) {
    std::string result{text};
    std::transform(result.begin(), result.end(), result.begin(), lower);
    return result;
}

bool iequals(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

bool is_token_char(char c) noexcept {
    static constexpr auto kTable = [] {
        std::array<bool, 256> table{};
        for (std::size_t i = 0; i < table.size(); ++i) {
            constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
            const char one = static_cast<char>(i);
            table[i] = is_letter(one) || is_digit(one) || kMarks.find(one) != std::string_view::npos;
        }
        return table;
    }();
    return kTable[static_cast<unsigned char>(c)];
}

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

std::vector<std::string_view> split_list(std::string_view list) {
    std::vector<std::string_view> members;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (const std::string_view member = trim(list.substr(0, comma)); !member.empty()) {
            members.push_back(member);
        }
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return members;
}

std::string percent_decode(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && text.size() - at > 2 && hex_digit(text[at + 1]) >= 0 && hex_digit(text[at + 2]) >= 0) {
            result += static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2]));
            at += 2;
        } else {
            result += text[at];
        }
    }
    return result;
}

std::string percent_encode(std::string_view text, std::string_view safe) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    constexpr std::string_view kUnreserved = "-._~";
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        if (is_letter(c) || is_digit(c) || kUnreserved.find(c) != std::string_view::npos ||
            safe.find(c) != std::string_view::npos) {
            result += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            result += {'%', kDigits[byte >> 4], kDigits[byte & 0xf]};
        }
    }
    return result;
}

std::string encode_path(std::string_view path) {
    constexpr std::string_view kPathChars = "/:@!$&'()*+,;=";  // may stand there as they are (RFC 3986, 3.3)
    if (path.starts_with('/')) {
        return "/%2F" + percent_encode(path.substr(1), kPathChars);
    }
    return '/' + percent_encode(path, kPathChars);
}

std::string html_escape(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            case '\'': result += "&#x27;"; break;
            default: result += c;
        }
    }
    return result;
}

std::string quoted_for_shell(std::string_view text) {
    const auto is_plain = [](char c) {
        return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
               std::string_view{"_-./,:+@%="}.find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) {
        return std::string{text};
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return quoted + '\'';
}

std::string repair_utf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const auto [size, whole] = first_sequence(bytes);
        text += whole ? bytes.substr(0, size) : "\xef\xbf\xbd";
        bytes.remove_prefix(size);
    }
    return text;
}

std::string printable(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const auto [size, whole] = first_sequence(text);
        const std::string_view sequence = text.substr(0, size);
        text.remove_prefix(size);
        if (!whole) {
            for (const char c : sequence) {
                std::array<char, 8> escape;
                std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned char>(c));
                shown += escape.data();
            }
        } else if (const unsigned number = code_point(sequence); is_obeyed(number)) {
            append_escaped(shown, number);
        } else {
            shown += sequence;
        }
    }
    return shown;
}

std::optional<std::chrono::milliseconds> parse_time(std::string_view text) {
    struct Unit {
        std::string_view suffix;
        std::uint64_t milliseconds;
    };
    constexpr std::array kUnits{Unit{"ms", 1},        Unit{"s", 1'000},      Unit{"m", 60'000},
                                Unit{"h", 3'600'000}, Unit{"d", 86'400'000}, Unit{"", 1'000}};
    const auto unit =
        std::find_if(kUnits.begin(), kUnits.end(), [text](const Unit& known) { return text.ends_with(known.suffix); });
    const std::string_view number = trim(text.substr(0, text.size() - unit->suffix.size()));
    const std::size_t point = std::min(number.find('.'), number.size());
    const auto whole = to_number<std::uint32_t>(number.substr(0, point));
    if (!whole) {
        return std::nullopt;
    }
    std::uint64_t time = *whole * unit->milliseconds;  // below 2^59
    if (point < number.size()) {
        const std::string_view digits = number.substr(point + 1);
        constexpr std::size_t kMaxDigits = 9;
        const auto part = to_number<std::uint32_t>(digits);
        if (!part || digits.size() > kMaxDigits) {
            return std::nullopt;
        }
        std::uint64_t parts = 1;
        for (std::size_t i = 0; i < digits.size(); ++i) {
            parts *= 10;
        }
        if (*part * unit->milliseconds % parts != 0) {
            return std::nullopt;
        }
        time += *part * unit->milliseconds / parts;
    }
    return std::chrono::milliseconds{time};
}

}  // namespace c10k
