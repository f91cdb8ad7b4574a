#pragma once

#include "c10k/http.hpp"
#include "c10k/limits.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace c10k {

class BlockingPool;
struct Counters;
struct RouteTraffic;

// The counts of a server, over all its loops: connections, the messages of each route, how WebSockets end, functions of
// run_blocking(), and how often each limit has struck.
//
//     path("metrics", &services.metrics, &Metrics::serve)
//
// is a page for Prometheus. Without such a route there is no page; with it, everybody may see it. Keep it from
// strangers with a middleware, or with a proxy in front that does not pass it on.
// Thread: any.
class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    // In Prometheus' text format, version 0.0.4.
    Response serve(const Request& request) const;
    // The text of that page.
    [[nodiscard]] std::string text() const;
    // For the log: "max_head_bytes 3, ping_timeout 12". Empty if none has struck.
    [[nodiscard]] std::string limits_that_struck() const;

    // Adds those of a loop.
    void add(std::shared_ptr<const Counters> loop);
    // Adds the WebSockets of a loop's routes.
    void add(const std::vector<RouteTraffic>& routes);
    // Adds the pool for run_blocking(), which the loops share.
    void add(std::shared_ptr<const BlockingPool> pool);

private:
    // The lock is held.
    [[nodiscard]] std::uint64_t strikes(Limit limit) const;

    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<const Counters>> loops_;
    std::vector<std::shared_ptr<const BlockingPool>> pools_;
    std::vector<RouteTraffic> routes_;  // of each loop
};

}  // namespace c10k
