#include "web/redaction.hpp"

#include "base/text.hpp"
#include "web/recording.hpp"

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

std::optional<std::string> Redaction::apply(std::string_view text) const {
    std::optional<std::string> redacted;
    std::size_t kept = 0;
    for (std::size_t at = 0; compiled_ && at < text.size();) {
        regmatch_t match{.rm_so = static_cast<regoff_t>(at), .rm_eo = static_cast<regoff_t>(text.size())};
        if (::regexec(&compiled_->regex, text.data(), 1, &match, REG_STARTEND | (at == 0 ? 0 : REG_NOTBOL)) != 0) {
            break;
        }
        const auto start = static_cast<std::size_t>(match.rm_so);
        const auto end = static_cast<std::size_t>(match.rm_eo);
        if (end > start) {
            redacted = redacted.value_or("").append(text.substr(kept, start - kept)).append(kRedacted);
            kept = end;
        }
        at = end > start ? end : start + 1;  // an empty match has nothing to hide
    }
    return redacted ? std::optional{redacted->append(text.substr(kept))} : std::nullopt;
}

}  // namespace c10k
