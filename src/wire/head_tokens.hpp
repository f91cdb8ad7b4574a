#pragma once

#include "c10k/http.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace c10k::wire {

// Beast splits a head into its parts and checks their letters. It is shown whole heads only, which HeadReader has let
// through, and no bodies: the laxness it has there does not matter.
template <bool kIsRequest>
class HeadTokens final : public boost::beast::http::basic_parser<kIsRequest> {
public:
    // Why the head is none; empty if it is one.
    std::optional<boost::beast::http::error> read(std::string_view head) {
        this->skip(true);
        this->header_limit(static_cast<std::uint32_t>(head.size()));
        boost::beast::error_code error;
        this->put(boost::asio::const_buffer{head.data(), head.size()}, error);
        if (error) {
            return static_cast<boost::beast::http::error>(error.value());
        }
        return std::nullopt;
    }

    std::string method;
    std::string target;
    int status = 0;
    int minor_version = 1;
    Headers headers;

private:
    void on_request_impl(boost::beast::http::verb, boost::beast::string_view name, boost::beast::string_view where,
                         int version, boost::beast::error_code&) override {
        method = name;
        target = where;
        minor_version = version % 10;
    }
    void on_response_impl(int code, boost::beast::string_view, int version, boost::beast::error_code&) override {
        status = code;
        minor_version = version % 10;
    }
    void on_field_impl(boost::beast::http::field, boost::beast::string_view name, boost::beast::string_view value,
                       boost::beast::error_code&) override {
        headers.add(name, value);
    }
    void on_header_impl(boost::beast::error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, boost::beast::error_code&) override {}
    std::size_t on_body_impl(boost::beast::string_view body, boost::beast::error_code&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, boost::beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body, boost::beast::error_code&) override {
        return body.size();
    }
    void on_finish_impl(boost::beast::error_code&) override {}
};

// The fault of a head, in a few words that live as long as the program.
[[nodiscard]] std::string_view explain(boost::beast::http::error error);

// The head with the version that we know where a later HTTP/1 stands, which is read as that (RFC 9110, 2.5).
[[nodiscard]] std::string with_known_version(std::string_view head, std::size_t at);

}  // namespace c10k::wire
