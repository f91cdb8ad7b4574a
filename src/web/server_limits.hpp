#pragma once

#include "c10k/settings.hpp"
#include "server/server.hpp"

namespace c10k {

// The limits that the settings name.
[[nodiscard]] ServerLimits server_limits(const Settings& settings);

}  // namespace c10k
