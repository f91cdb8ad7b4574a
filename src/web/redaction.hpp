#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// Takes secrets out of texts: what the regular expression of the setting record_redact (POSIX, extended) matches.
//
// A match of up to kLongestMatch bytes is found, and a longer one if it could not end earlier, such as one of [0-9]+.
//
// It has no back-references: with them, a peer's text could take the matcher any time. Bytes are bytes, whatever the
// locale. Thread: any.
class Redaction {
public:
    static constexpr std::size_t kLongestMatch = 2048;

    // An empty expression matches nothing. Throws std::runtime_error if it is none.
    explicit Redaction(const std::string& expression);

    // `text` with kRedacted in place of each match; empty if there is none.
    [[nodiscard]] std::optional<std::string> apply(std::string_view text) const;

private:
    struct Compiled;
    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace c10k
