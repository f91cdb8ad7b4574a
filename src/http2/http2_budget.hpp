#pragma once

#include <algorithm>
#include <cstdint>

namespace c10k {

// How often a peer may do something: at a rate, and ten times as often at once.
class Http2Budget {
public:
    explicit Http2Budget(std::uint32_t per_second) noexcept
        : per_second_(per_second), left_(per_second * kBurstThousandths) {}

    // Takes `count` from it; `now` is in ms. Returns false if there is not so much left.
    [[nodiscard]] bool take(std::int64_t count, std::int64_t now) noexcept {
        if (since_ < now) {
            left_ = std::min(left_ + (now - since_) * per_second_, per_second_ * kBurstThousandths);
            since_ = now;
        }
        left_ -= count * kThousand;
        return left_ >= 0;
    }
    // Allows `count` more.
    void add(std::int64_t count) noexcept {
        left_ = std::min(left_ + count * kThousand, per_second_ * kBurstThousandths);
    }

private:
    static constexpr std::int64_t kThousand = 1000;
    static constexpr std::int64_t kBurstThousandths = 10 * kThousand;

    std::int64_t per_second_;
    std::int64_t left_;       // in thousandths
    std::int64_t since_ = 0;  // ms
};

}  // namespace c10k
