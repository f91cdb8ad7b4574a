#pragma once

#include <c10k/settings.hpp>

#include <string>
#include <string_view>

namespace life {

// Why `peer`, as a request has it, may not control the game: a line for its page. "" if it may.
[[nodiscard]] std::string control_refusal(const c10k::Settings& settings, std::string_view peer);

}  // namespace life
