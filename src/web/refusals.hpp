#pragma once

#include "c10k/http.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace c10k {

// Tells the log which hosts and origins the server refuses, and which setting would allow them: a browser shows the
// page that is refused nothing of it. Each text is written once a minute, however often it is refused. Thread: any.
class Refusals {
public:
    using Write = std::function<void(std::string_view line)>;
    using Now = std::function<std::chrono::steady_clock::time_point()>;

    static constexpr std::chrono::minutes kPause{1};
    // The most different texts in a minute: a peer can make up new names as fast as it likes.
    static constexpr std::size_t kMost = 100;

    // Writes warnings to the log.
    Refusals();
    Refusals(Write write, Now now);

    // The Host of `request` is none that the setting allowed_hosts names.
    void host_refused(const Request& request);
    // The Origin of `request`, for a WebSocket, is neither the site's own nor in the setting allowed_origins.
    void origin_refused(const Request& request);
    // The same, but it was accepted, since it is of this machine and the setting debug is on.
    void origin_allowed_in_debug(const Request& request);

private:
    void write_once_a_minute(const std::string& line);

    Write write_;
    Now now_;
    std::mutex mutex_;
    std::map<std::string, std::chrono::steady_clock::time_point, std::less<>> quiet_until_;  // of each line
    std::chrono::steady_clock::time_point full_until_;  // has been said that there are more
};

}  // namespace c10k
