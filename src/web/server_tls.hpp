#pragma once

#include "c10k/settings.hpp"
#include "tls/tls_context.hpp"
#include "web/checks.hpp"

#include <memory>
#include <vector>

namespace c10k {

// The faults of the certificates that the settings name.
[[nodiscard]] std::vector<CheckMessage> check_tls(const Settings& settings);

// The certificates that the settings name; null if they name none. Throws std::runtime_error with the text of the check
// if one is not good.
[[nodiscard]] std::unique_ptr<ServerCertificates> server_certificates(const Settings& settings);

}  // namespace c10k
