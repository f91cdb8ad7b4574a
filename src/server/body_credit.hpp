#pragma once

#include "c10k/limits.hpp"

#include <algorithm>
#include <cstdint>

namespace c10k {

// The time that a peer has for more of a body while a view waits for it. It begins with body_grace; each byte pays for
// the time that min_body_rate gives it, and all of them for no more than body_time.
class BodyCredit {
public:
    // A body is to come.
    void begin(const ServerLimits& limits) noexcept { left_ = std::min(limits.body_grace, limits.body_time).count(); }
    // Bytes have come while no view waits.
    void add(std::uint64_t bytes, const ServerLimits& limits) noexcept {
        left_ = std::min(left_ + worth(bytes, limits), limits.body_time.count());
    }
    // Bytes have come while a view waits, until `due` at the latest. Returns the new time.
    [[nodiscard]] static std::int64_t extend(std::int64_t due, std::uint64_t bytes, const ServerLimits& limits,
                                             std::int64_t now) noexcept {
        return std::min(due + worth(bytes, limits), now + limits.body_time.count());
    }
    // The view waits no longer: so much was left.
    void keep(std::int64_t milliseconds) noexcept { left_ = std::max<std::int64_t>(milliseconds, 0); }

    [[nodiscard]] std::int64_t left() const noexcept { return left_; }

private:
    static std::int64_t worth(std::uint64_t bytes, const ServerLimits& limits) noexcept {
        constexpr std::uint64_t kThousand = 1000;
        return limits.min_body_rate == 0 && bytes > 0
                   ? limits.body_time.count()
                   : static_cast<std::int64_t>(bytes * kThousand / std::max(limits.min_body_rate, 1U));
    }

    std::int64_t left_ = 0;  // ms
};

}  // namespace c10k
