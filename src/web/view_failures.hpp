#pragma once

#include "c10k/errors.hpp"
#include "c10k/http.hpp"

#include <cstdint>
#include <exception>
#include <optional>

namespace c10k {

// The error page for a view's failure; empty if the failure is the server's mistake. If a value of the client's JSON is
// not what the view expects, the mistake is the client's (see Request::json()).
[[nodiscard]] std::optional<HttpError> wanted_error(const Request& request, std::exception_ptr failure);

// The close code for the failure of an open WebSocket's view: another one than 1011 if the client is to blame, or may
// come again.
[[nodiscard]] std::uint16_t close_code_for(std::exception_ptr failure);

}  // namespace c10k
