#pragma once

#include "c10k/http.hpp"
#include "web/open_file.hpp"

namespace c10k {

// Response::file() of a file that is open already. Throws std::runtime_error if it is too large or cannot be read.
[[nodiscard]] Response file_response(const Request& request, OpenFile file);

}  // namespace c10k
