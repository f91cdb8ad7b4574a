#pragma once

#include <string>
#include <string_view>

namespace c10k {

// The secret that opens the dashboard.
class AccessToken {
public:
    // Shorter ones could be guessed.
    static constexpr std::size_t kLeastBytes = 16;

    explicit AccessToken(std::string text) : text_(std::move(text)) {}
    // 128 random bits.
    [[nodiscard]] static AccessToken random();

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    // The time that it takes tells nothing about where they differ.
    [[nodiscard]] bool equals(std::string_view other) const noexcept;

private:
    std::string text_;
};

}  // namespace c10k
