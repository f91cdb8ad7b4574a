#include "web/redaction.hpp"

#include "base/text.hpp"
#include "web/recording.hpp"

#include <algorithm>
#include <array>
#include <regex.h>
#include <stdexcept>

namespace c10k {

struct Redaction::Compiled {
    explicit Compiled(const std::string& expression) {
        if (const int fault = ::regcomp(&regex, expression.c_str(), REG_EXTENDED); fault != 0) {
            std::array<char, 128> why{};
            ::regerror(fault, &regex, why.data(), why.size());
            throw std::runtime_error("record_redact: '" + expression + "' is no regular expression: " + why.data());
        }
    }
    ~Compiled() { ::regfree(&regex); }
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;

    regex_t regex{};
};

namespace {

bool has_back_reference(std::string_view expression) {
    for (std::size_t at = 0; at + 1 < expression.size(); ++at) {
        if (expression[at] == '\\') {
            if (is_digit(expression[at + 1])) {
                return true;
            }
            ++at;
        }
    }
    return false;
}

}  // namespace

Redaction::Redaction(const std::string& expression) {
    if (has_back_reference(expression)) {
        throw std::runtime_error("record_redact: '" + expression +
                                 "' has a back-reference, such as \\1: write it without");
    }
    if (!expression.empty()) {
        compiled_ = std::make_shared<const Compiled>(expression);
    }
}

// The matcher of the C library takes time for all that it is given, at each call. So it gets a window, and a longer one
// only for a match that goes on behind it: a peer who sends many matches costs the more time only by their length.
std::optional<std::string> Redaction::apply(std::string_view text) const {
    std::optional<std::string> redacted;
    std::size_t kept = 0;
    std::size_t window = 2 * kLongestMatch;
    for (std::size_t at = 0; compiled_ && at < text.size();) {
        const std::size_t end = std::min(text.size(), at + window);
        regmatch_t match{.rm_so = 0, .rm_eo = static_cast<regoff_t>(end - at)};
        const int bounds = (at == 0 ? 0 : REG_NOTBOL) | (end == text.size() ? 0 : REG_NOTEOL);
        if (::regexec(&compiled_->regex, text.data() + at, 1, &match, REG_STARTEND | bounds) != 0) {
            at = end == text.size() ? end : std::max(at + 1, end - kLongestMatch);
            window = 2 * kLongestMatch;
            continue;
        }
        const std::size_t first = at + static_cast<std::size_t>(match.rm_so);
        const std::size_t last = at + static_cast<std::size_t>(match.rm_eo);
        if (last == end && end < text.size()) {
            at = first;
            window *= 2;
            continue;
        }
        if (last > first) {
            if (!redacted) {
                redacted.emplace();
            }
            redacted->append(text.substr(kept, first - kept)).append(kRedacted);
            kept = last;
        }
        at = last > first ? last : first + 1;  // an empty match has nothing to hide
        window = 2 * kLongestMatch;
    }
    return redacted ? std::optional{redacted->append(text.substr(kept))} : std::nullopt;
}

}  // namespace c10k
