#include "live/live_listener.hpp"

#include "base/address.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "loop/sockets.hpp"
#include "web/listening.hpp"
#include "web/reload.hpp"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace c10k {
namespace {

constexpr int kBacklog = 64;

bool is_wanted(const Settings& settings, Development development) {
    return settings.live == "on" || (settings.live == "auto" && development == Development::kYes);
}

std::vector<Address> addresses_of(const Settings& settings) {
    Settings live = settings;
    live.host = settings.live_host;
    live.port = settings.live_port;
    return listening_addresses(live);
}

// Empty if the variable names no listening socket: it may come from elsewhere.
std::optional<int> take_inherited() {
    const char* const text = std::getenv(LiveListener::kSocketVariable);
    const auto descriptor = to_number<int>(text != nullptr ? text : "");
    ::unsetenv(LiveListener::kSocketVariable);
    int listens = 0;
    socklen_t size = sizeof listens;
    if (!descriptor || ::getsockopt(*descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens != 1) {
        return std::nullopt;
    }
    ::fcntl(*descriptor, F_SETFD, FD_CLOEXEC);
    return descriptor;
}

std::optional<AccessToken> take_token() {
    const char* const text = std::getenv(LiveListener::kTokenVariable);
    std::optional<AccessToken> token;
    if (text != nullptr && std::string_view{text}.size() >= AccessToken::kLeastBytes) {
        token.emplace(text);
    }
    ::unsetenv(LiveListener::kTokenVariable);
    return token;
}

int open_socket(const Settings& settings) {
    const Address address = addresses_of(settings).front();
    try {
        return open_listener(address, kBacklog, PortUse::kAlone, Blocking::kNo);
    } catch (const std::system_error& error) {
        throw_listening_failure(address, error.code());
    }
}

}  // namespace

Development development_of(const Settings& settings) {
    const bool is_reloaded = std::getenv(Reload::kStatusVariable) != nullptr;
    return settings.debug || is_reloaded ? Development::kYes : Development::kNo;
}

bool is_live_secure(const Settings& settings) {
    const std::vector<Address> addresses = addresses_of(settings);
    return !settings.tls_certificate.empty() &&
           std::any_of(addresses.begin(), addresses.end(), [](const Address& each) { return !each.is_loopback(); });
}

std::optional<LiveListener> LiveListener::open(const Settings& settings, Development development) {
    const std::optional<int> inherited = take_inherited();
    std::optional<AccessToken> token = take_token();
    if (!is_wanted(settings, development)) {
        if (inherited) {
            ::close(*inherited);
        }
        return std::nullopt;
    }
    return LiveListener{inherited ? *inherited : open_socket(settings), settings, std::move(token)};
}

std::optional<LiveListener> open_dashboard(const Settings& settings, Development development) {
    try {
        return LiveListener::open(settings, development);
    } catch (const std::runtime_error& failure) {
        if (settings.live == "on") {
            throw;
        }
        log::warning(std::string{"There is no dashboard: "} + failure.what());
        return std::nullopt;
    }
}

LiveListener::LiveListener(int descriptor, const Settings& settings, std::optional<AccessToken> given)
    : descriptor_(descriptor), token_(!settings.live_token.empty() ? AccessToken{settings.live_token}
                                      : given                      ? *std::move(given)
                                                                   : AccessToken::random()),
      token_origin_(settings.live_token.empty() ? Origin::kOurs : Origin::kSettings),
      is_secure_(is_live_secure(settings)) {}

LiveListener::LiveListener(LiveListener&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), token_(std::move(other.token_)),
      token_origin_(other.token_origin_), is_secure_(other.is_secure_) {}

LiveListener::~LiveListener() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

int LiveListener::release() noexcept { return std::exchange(descriptor_, -1); }

std::string LiveListener::url() const {
    const std::string address =
        (is_secure_ ? "https://" : "http://") + local_address_of(descriptor_).text() + "/_live/";
    return token_origin_ == Origin::kOurs ? address + "#token=" + token_.text() : address;
}

void LiveListener::add_to(std::map<std::string, std::string>& environment, int descriptor) const {
    environment[kSocketVariable] = std::to_string(descriptor);
    environment[kTokenVariable] = token_.text();
}

}  // namespace c10k
