#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace c10k {

// The files of a certificate, in PEM.
struct CertificateFiles {
    std::string certificate;  // the server's own first, then the intermediate ones
    std::string key;
};

// A fault of such a pair, as a text for a user.
struct CertificateProblem {
    enum class Level : std::uint8_t { kWarning, kError };

    Level level;
    std::string text;
    std::string hint;  // what to do
};

// Finds files that cannot be read or hold something else, a key that does not fit, and a certificate that has expired
// or soon will.
[[nodiscard]] std::vector<CertificateProblem> examine(const CertificateFiles& pair);

}  // namespace c10k
