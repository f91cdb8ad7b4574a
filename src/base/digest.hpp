#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// The SHA-1 digest of `bytes` (RFC 3174). For protocols that ask for it, not for secrets.
[[nodiscard]] std::array<char, 20> sha1(std::string_view bytes);

// Base64 with padding (RFC 4648, 4).
[[nodiscard]] std::string base64_encode(std::string_view bytes);

// Empty unless `text` is whole groups of four, of the alphabet and with padding at the end only (RFC 4648, 4).
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace c10k
