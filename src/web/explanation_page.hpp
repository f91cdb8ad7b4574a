#pragma once

#include "web/explanation.hpp"

#include <string>
#include <string_view>

namespace c10k {

// The explanation as HTML, without the page around it: an error page contains it, and the overlay of live reload shows
// it on any page. Links that open the editor have the address that C10K_EDITOR names, with {file}, {line} and {column};
// without it, that of Visual Studio Code.
// `more` is HTML that comes below the problems.
[[nodiscard]] std::string explanation_html(const Explanation& explanation, std::string_view more = {});

}  // namespace c10k
