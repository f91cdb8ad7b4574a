#include "connection/slow_member.hpp"

namespace c10k {

SlowMemberGauge::Judgement SlowMemberGauge::judge(std::size_t bytes, std::uint32_t now,
                                                  const WebSocketLimits& limits) const noexcept {
    const bool is_late = is_slow_ && now - since_ > limits.slow_time.count();
    const std::size_t limit = is_late ? limits.slow_bytes : limits.slow_limit_bytes;
    if (bytes <= limit) {
        return {};
    }
    const Limit struck = is_late ? Limit::kSlowTime : Limit::kSlowLimitBytes;
    switch (policy_) {
        case SlowMember::kDropOldest: return {Verdict::kDropOldest, struck, limit};
        case SlowMember::kDropNewest: return {Verdict::kDropNewest, struck, limit};
        default: return {Verdict::kClose, struck, limit};
    }
}

}  // namespace c10k
