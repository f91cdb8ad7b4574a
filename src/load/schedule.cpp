#include "load/schedule.hpp"

#include <chrono>
#include <cmath>

namespace c10k::load {

Duration Schedule::due(std::uint64_t event) const noexcept {
    const auto number = static_cast<double>(event);
    const double ramp = std::chrono::duration<double>(ramp_).count();
    const double in_ramp = rate_ * ramp / 2;
    const double seconds = number < in_ramp ? std::sqrt(2 * number * ramp / rate_) : ramp + (number - in_ramp) / rate_;
    return Duration{std::llround(seconds * 1e9)};
}

}  // namespace c10k::load
