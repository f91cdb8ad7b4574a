#include "c10k/middleware.hpp"

#include <string_view>

namespace c10k {
namespace {

void add_missing(Headers& headers, std::string_view name, std::string_view value) {
    if (headers.count(name) == 0) {
        headers.add(name, value);
    }
}

Task<Response> with_security_headers(Request& request, Next<Request> next) {
    Response response = co_await next(request);
    Headers& headers = response.headers;
    add_missing(headers, "X-Content-Type-Options", "nosniff");
    add_missing(headers, "Referrer-Policy", "same-origin");
    add_missing(headers, "Cross-Origin-Opener-Policy", "same-origin");
    // Browsers heed frame-ancestors instead of X-Frame-Options, so that ours would undo a view's.
    if (headers.count("X-Frame-Options") == 0 && headers.count("Content-Security-Policy") == 0) {
        headers.add("X-Frame-Options", "DENY");
        headers.add("Content-Security-Policy", "frame-ancestors 'none'");
    }
    co_return response;
}

}  // namespace

Middleware security_headers() { return with_security_headers; }

}  // namespace c10k
