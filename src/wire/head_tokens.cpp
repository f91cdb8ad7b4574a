#include "wire/head_tokens.hpp"

namespace c10k::wire {

std::string_view explain(boost::beast::http::error error) {
    namespace http = boost::beast::http;
    switch (error) {
        case http::error::bad_method: return "bad method";
        case http::error::bad_target: return "bad target";
        case http::error::bad_version: return "bad HTTP version";
        case http::error::bad_status: return "bad status";
        case http::error::bad_reason: return "bad reason phrase";
        case http::error::bad_field: return "bad field name";
        case http::error::bad_value: return "bad field value";
        case http::error::bad_content_length:
        case http::error::multiple_content_length: return "bad Content-Length";
        case http::error::bad_transfer_encoding: return "bad Transfer-Encoding";
        default: return "not HTTP";
    }
}

std::string with_known_version(std::string_view head, std::size_t at) {
    constexpr std::string_view kVersion = "HTTP/1.1";
    std::string known{head};
    known.replace(at, kVersion.size(), kVersion);
    return known;
}

}  // namespace c10k::wire
