#include "live/access_token.hpp"

#include "base/random.hpp"

#include <array>
#include <cstddef>

namespace c10k {

AccessToken AccessToken::random() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<char, 16> bytes;
    fill_random(bytes);
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += {kDigits[value >> 4], kDigits[value & 15]};
    }
    return AccessToken{std::move(text)};
}

bool AccessToken::equals(std::string_view other) const noexcept {
    unsigned difference = other.size() == text_.size() ? 0 : 1;
    for (std::size_t i = 0; i < other.size(); ++i) {
        const char ours = text_.empty() ? '\0' : text_[i % text_.size()];
        difference |= static_cast<unsigned char>(ours) ^ static_cast<unsigned char>(other[i]);
    }
    return difference == 0 && !text_.empty();
}

}  // namespace c10k
