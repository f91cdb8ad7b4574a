#pragma once

#include "c10k/http.hpp"
#include "web/explanation.hpp"

#include <exception>
#include <string>
#include <vector>

namespace c10k {

// The environment by which runserver passes the project's folder: paths inside it are shown from there.
inline constexpr const char* kSourceVariable = "C10K_RELOAD_SOURCE";

// The route that a request has taken.
struct RouteTaken {
    std::string text = {};  // "/rooms/<slug:name>/ (chat:room)", "none"
    std::vector<std::string> captures = {};
};

// Why a page's view threw, for its developer: the exception, its place, the stack and the request. Asks addr2line.
[[nodiscard]] Explanation explain_failure(const Request& request, const RouteTaken& route,
                                          const std::exception_ptr& failure);

// The same of an open WebSocket's view; `connection` are facts about it, and so many others are open on its route.
[[nodiscard]] Explanation explain_failure(const Explanation::Facts& connection, std::size_t others,
                                          const std::exception_ptr& failure);

}  // namespace c10k
