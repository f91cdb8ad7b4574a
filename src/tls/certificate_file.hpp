#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace c10k {

// The files of a certificate, in PEM.
struct CertificateFiles {
    std::string certificate;  // the server's own first, then those between it and the authority
    std::string key;
};

// What is wrong with such a pair, for a user.
struct CertificateProblem {
    enum class Level : std::uint8_t { kWarning, kError };

    Level level;
    std::string text;
    std::string hint;  // what to do
};

// Files that cannot be read or hold something else, a key that does not fit, a time that is over or nearly so.
[[nodiscard]] std::vector<CertificateProblem> examine(const CertificateFiles& pair);

}  // namespace c10k
