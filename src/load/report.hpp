#pragma once

#include "load/outcome.hpp"
#include "load/threshold.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace c10k::load {

[[nodiscard]] std::string_view name_of(Mode mode) noexcept;

// The outcome of a run, as lines for a reader, and as a JSON object, which docs/howto/load-testing.md describes.
[[nodiscard]] std::string report_text(const Outcome& outcome);
[[nodiscard]] std::string report_json(const Outcome& outcome, const std::vector<Threshold>& thresholds);

}  // namespace c10k::load
