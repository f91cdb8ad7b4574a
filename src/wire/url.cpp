#include "wire/url.hpp"

#include "base/text.hpp"
#include "wire/host.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <stdexcept>

namespace c10k::wire {

namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw std::invalid_argument('"' + std::string{text} + "\": " + std::string{why});
}

std::uint16_t default_port(bool secure) noexcept { return secure ? 443 : 80; }

}  // namespace

Url Url::parse(std::string_view text) {
    const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
    if (!parsed) {
        refuse(text, "not a URL such as ws://127.0.0.1:8000/");
    }
    const boost::urls::url_view& view = *parsed;
    Url url;
    url.scheme = to_lower(view.scheme());
    if (url.scheme != "ws" && url.scheme != "wss" && url.scheme != "http" && url.scheme != "https") {
        refuse(text, "the scheme must be ws, wss, http or https");
    }
    if (view.has_userinfo()) {
        refuse(text, "a user name is not supported");
    }
    if (view.has_fragment()) {
        refuse(text, "a WebSocket's URL has no fragment (#)");
    }
    url.host = view.host_address();
    if (!Authority::parse(std::string_view{view.encoded_host()})) {
        refuse(text, "bad host");
    }
    url.port = default_port(url.secure());
    if (view.has_port()) {
        url.port = view.port_number();  // 0 if it does not fit
        if (url.port == 0) {
            refuse(text, "the port must be a number from 1 to 65535");
        }
    }
    url.target = std::string_view{view.encoded_target()};
    if (view.encoded_path().empty()) {
        url.target.insert(0, 1, '/');
    }
    if (!url.target.starts_with('/')) {
        refuse(text, "bad port");  // Boost.URL 1.81 reads "ws://host:8x/" as the port 8 and the path "x/"
    }
    return url;
}

std::string Url::host_field() const {
    std::string field = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port != default_port(secure())) {
        field += ':' + std::to_string(port);
    }
    return field;
}

}  // namespace c10k::wire
