#pragma once

#include "c10k/server.hpp"

namespace c10k {

// What is served in place of a site whose program does not work: a page that says so, whatever the path.
[[nodiscard]] SiteFactory fallback_site();

}  // namespace c10k
