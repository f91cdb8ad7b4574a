#pragma once

#include "c10k/http.hpp"
#include "c10k/urls.hpp"
#include "web/explanation.hpp"

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
[[nodiscard]] Response debug_failure(const Explanation& explanation);

// A whole page around explanation_html().
[[nodiscard]] std::string explanation_document(std::string_view title, std::string_view sheet);

// "std::runtime_error: out of cheese"
[[nodiscard]] std::string describe(std::exception_ptr failure);

}  // namespace c10k
