#include "patience.hpp"

using namespace c10k;
using namespace std::chrono_literals;

EndpointOptions Patience::with_no_other_limit(EndpointOptions options) {
    options.handshake_time = 24h;
    options.ping_interval = 24h;  // the server's pings are answered
    return options;
}

Task<> Patience::end() {
    // Counts looks, not time: in a second that took a minute, nothing had more than one chance to move.
    for (std::chrono::seconds silence{0}; silence < kSilence;) {
        co_await sleep_for(1s);
        const bool is_silent = !has_moved_.exchange(false, std::memory_order_relaxed) && pauses_ == 0;
        silence = is_silent ? silence + 1s : 0s;
        is_quiet_ = silence >= kQuiet;
    }
    has_ended_ = true;
}
