#pragma once

#include "c10k/server.hpp"

namespace c10k {

// A site in place of one whose program does not work: every path has a page that says so.
[[nodiscard]] SiteFactory fallback_site();

}  // namespace c10k
