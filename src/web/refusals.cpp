#include "web/refusals.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "wire/host.hpp"

#include <utility>

namespace c10k {
namespace {

// No name of a host, with its scheme and port, is longer.
constexpr std::size_t kLongest = 270;

// The value of a header field as the log shows it: no longer than a name of a host with its scheme and port can be.
std::string shown(std::string_view value) {
    return '\'' + std::string{value.substr(0, kLongest)} + (value.size() > kLongest ? "...'" : "'");
}

std::string host_of(const Request& request) { return shown(request.headers.get("Host").value_or("")); }

std::string origin_advice(const Request& request) {
    if (request.headers.count("Origin") > 1) {
        return "the request has more than one Origin";
    }
    const std::string_view origin = request.headers.get("Origin").value_or("");
    if (origin == "null") {
        return "a page in a sandboxed frame, or one that was opened as a file, has no origin that could be allowed; "
               "serve it by HTTP";
    }
    const auto allowed = wire::normal_origin(origin);
    if (!allowed || origin.size() > kLongest) {
        return "that is the origin of no web page";
    }
    const std::string host{request.headers.get("Host").value_or("")};
    if (request.is_secure && *allowed == wire::normal_origin("http://" + host)) {
        return "the page came by http and its WebSocket by https; redirect the page to https";
    }
    return "if the page is yours, add " + *allowed +
           " to the setting allowed_origins; if it is this site's own, a proxy has changed the Host, which is " +
           host_of(request);
}

}  // namespace

Refusals::Refusals() : Refusals(&log::warning, &std::chrono::steady_clock::now) {}

Refusals::Refusals(Write write, Now now) : write_(std::move(write)), now_(std::move(now)) {}

void Refusals::host_refused(const Request& request) {
    if (request.headers.count("Host") == 0) {
        write_once_a_minute("Refused a request without a Host");
        return;
    }
    const std::string_view host = *request.headers.get("Host");
    const auto authority = wire::Authority::parse(host);
    write_once_a_minute(
        "Refused the host " + host_of(request) + ": " +
        (authority && host.size() <= kLongest
             ? "if it is this site's, add " + to_lower(authority->host) + " to the setting allowed_hosts"
             : "that is the name of no host"));
}

void Refusals::origin_refused(const Request& request) {
    const std::string_view origin = request.headers.get("Origin").value_or("");
    write_once_a_minute("Refused a WebSocket to a page of the origin " + shown(origin) + ": " + origin_advice(request));
}

void Refusals::origin_allowed_in_debug(const Request& request) {
    const std::string_view origin = request.headers.get("Origin").value_or("");
    write_once_a_minute("Allowed a WebSocket to a page of the origin " + shown(origin) +
                        " since the setting debug is on: without debug it is refused unless the setting "
                        "allowed_origins names it");
}

void Refusals::write_once_a_minute(const std::string& line) {
    const auto now = now_();
    bool is_full = false;
    {
        const std::lock_guard lock{mutex_};
        if (quiet_until_.size() >= kMost) {
            std::erase_if(quiet_until_, [now](const auto& entry) { return entry.second <= now; });
        }
        const auto known = quiet_until_.find(line);
        if (known != quiet_until_.end() && now < known->second) {
            return;
        }
        is_full = known == quiet_until_.end() && quiet_until_.size() >= kMost;
        if (is_full && now < full_until_) {
            return;
        }
        if (is_full) {
            full_until_ = now + kPause;
        } else {
            quiet_until_.insert_or_assign(line, now + kPause);
        }
    }
    write_(is_full ? "More hosts and origins are refused than the log names in a minute" : line);
}

}  // namespace c10k
