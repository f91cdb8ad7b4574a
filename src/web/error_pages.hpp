#pragma once

#include "c10k/http.hpp"
#include "c10k/urls.hpp"

#include <exception>
#include <string>
#include <string_view>

namespace c10k {

// Everybody may see this: the status, and for some a sentence that explains it.
[[nodiscard]] Response error_page(int status);

// The developer sees this, with `settings.debug` on.

[[nodiscard]] Response debug_page(int status, std::string_view heading, std::string_view text);
// 404, with the routes that were tried.
[[nodiscard]] Response debug_not_found(const Request& request, const Urls& urls);
// 500, with the exception.
[[nodiscard]] Response debug_failure(const Request& request, std::string_view route, std::exception_ptr failure);

// "std::runtime_error: out of cheese"
[[nodiscard]] std::string describe(std::exception_ptr failure);

}  // namespace c10k
