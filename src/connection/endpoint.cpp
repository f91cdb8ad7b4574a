#include "connection/endpoint.hpp"

#include "wire/protocol.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace c10k {
namespace {

std::shared_ptr<const TlsContext> tls_context(const EndpointOptions& options) {
    if (options.verify == Verify::kNothing) {
        return TlsContext::for_trusting_client();
    }
    return options.ca_file.empty() ? TlsContext::for_client() : TlsContext::for_client(options.ca_file);
}

// The limits among the options. It names all options, so that a new one does not compile before this line has it.
WebSocketLimits limits_of(const EndpointOptions& options) {
    const auto& [subprotocols, headers, handshake_time, handshakes_at_once, ping_interval, ping_timeout, close_time,
                 on_opened, on_closed, max_message_bytes, max_fragments, compression, verify, addresses, ca_file,
                 http2] = options;
    WebSocketLimits limits;
    limits.ping_interval = ping_interval;
    limits.ping_timeout = ping_timeout;
    limits.close_time = close_time;
    limits.max_message_bytes = max_message_bytes;
    limits.max_fragments = max_fragments;
    return limits;
}

Http2Options http2_options_of(const EndpointOptions& options) {
    Http2Options http2;
    http2.head_time = std::chrono::ceil<std::chrono::milliseconds>(options.handshake_time);
    http2.ping_interval = options.ping_interval;
    http2.ping_timeout = options.ping_timeout;
    return http2;
}

// Alternates between the families, beginning with the first address's; within each the order stays (RFC 8305, 4).
std::vector<Address> interleave_families(const std::vector<Address>& addresses) {
    std::vector<Address> one = addresses;
    const auto middle = std::stable_partition(
        one.begin(), one.end(), [&](const Address& address) { return address.family() == addresses.front().family(); });
    const std::vector<Address> other{middle, one.end()};
    one.erase(middle, one.end());
    std::vector<Address> mixed;
    for (std::size_t i = 0; i < std::max(one.size(), other.size()); ++i) {
        if (i < one.size()) {
            mixed.push_back(one[i]);
        }
        if (i < other.size()) {
            mixed.push_back(other[i]);
        }
    }
    return mixed;
}

std::vector<Address> addresses_of(const wire::Url& url, const std::vector<std::string>& given) {
    if (given.empty()) {
        return interleave_families(Address::resolve_all(url.host + url.zone, url.port));
    }
    std::vector<Address> addresses;
    std::transform(given.begin(), given.end(), std::back_inserter(addresses),
                   [&url](const std::string& one) { return Address::resolve_number(one, url.port); });
    return interleave_families(addresses);
}

bool has_family(const std::vector<Address>& addresses, int family) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [family](const Address& address) { return address.family() == family; });
}

// The addresses of a family that the others have, too.
std::vector<Address> of_their_families(const std::vector<Address>& addresses, const std::vector<Address>& others) {
    std::vector<Address> left;
    std::copy_if(addresses.begin(), addresses.end(), std::back_inserter(left),
                 [&others](const Address& address) { return has_family(others, address.family()); });
    return left;
}

std::string bytes_of(const std::vector<Address>& addresses) {
    std::string bytes;
    for (const Address& address : addresses) {
        bytes.append(reinterpret_cast<const char*>(address.get()), address.size());
    }
    return bytes;
}

}  // namespace

Endpoint::Endpoint(std::string_view url) : Endpoint{url, EndpointOptions{}} {}

Endpoint::Endpoint(std::string_view url, EndpointOptions options) {
    auto data = std::make_shared<Data>();
    data->url = url;
    data->parsed = wire::Url::parse(url);
    if (data->parsed.scheme != "ws" && data->parsed.scheme != "wss") {
        const std::string_view rest = url.substr(data->parsed.scheme.size());
        throw std::invalid_argument("cannot connect to '" + data->url + "': a WebSocket's URL begins with ws or wss: " +
                                    "write " + (data->parsed.secure() ? "wss" : "ws") + std::string{rest});
    }
    if (data->parsed.secure()) {
        data->tls = tls_context(options);
    }
    if (!options.compression.is_possible()) {
        throw std::invalid_argument("compression: a window has 8 to 15 bits");
    }
    data->addresses = addresses_of(data->parsed, options.addresses);
    data->windows_key = {bytes_of(data->addresses), options.handshakes_at_once};
    if (options.handshakes_at_once == 0) {
        throw std::invalid_argument("handshakes_at_once must be at least 1");
    }
    if (options.max_message_bytes == 0 || options.max_message_bytes > Message::kMaxSize) {
        throw std::invalid_argument("max_message_bytes must be from 1 to 1073741824 (1 GiB)");
    }
    if (options.max_fragments == 0 || options.max_fragments > wire::Protocol::kMaxFragments) {
        throw std::invalid_argument("max_fragments must be from 1 to 16777215");
    }
    if (options.http2 && options.http2->connections == 0) {
        throw std::invalid_argument("http2: connections must be at least 1");
    }
    data->limits = limits_of(options);
    data->http2 = http2_options_of(options);
    data->options = std::move(options);
    data_ = std::move(data);
}

const std::string& Endpoint::url() const noexcept { return data_->url; }

bool Endpoint::is_loopback() const noexcept {
    return std::all_of(data_->addresses.begin(), data_->addresses.end(),
                       [](const Address& address) { return address.is_loopback(); });
}

Endpoint Endpoint::from(const std::vector<std::string>& sources) const {
    auto data = std::make_shared<Data>(*data_);
    std::vector<Address> all;
    std::transform(sources.begin(), sources.end(), std::back_inserter(all),
                   [](const std::string& source) { return Address::resolve(source, 0); });
    data->sources = of_their_families(all, data_->addresses);
    if (!sources.empty()) {
        data->addresses = of_their_families(data_->addresses, all);
    }
    if (data->addresses.empty()) {
        throw std::runtime_error("no address of " + url() + " can be reached from " + sources.front() +
                                 ": one is IPv4, the other IPv6");
    }
    return Endpoint{std::move(data)};
}

}  // namespace c10k
