#pragma once

#include "c10k/errors.hpp"
#include "c10k/http.hpp"

#include <exception>
#include <optional>

namespace c10k {

// The error page for a view's failure; empty if the failure is the server's mistake. If a value of the client's JSON is
// not what the view expects, the mistake is the client's (see Request::json()).
[[nodiscard]] std::optional<HttpError> wanted_error(const Request& request, std::exception_ptr failure);

// Whether an open WebSocket's view has thrown an error that the client is to blame for.
[[nodiscard]] bool is_peers_fault(std::exception_ptr failure);

}  // namespace c10k
