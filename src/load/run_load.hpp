#pragma once

#include "c10k/client.hpp"
#include "load/collector.hpp"
#include "load/histogram_log.hpp"
#include "load/live_view.hpp"

#include <functional>

namespace c10k::load {

// Makes the endpoint of one loop, which tells `on_opened` how long each handshake took.
using MakeEndpoint = std::function<Endpoint(std::function<void(Duration)> on_opened)>;

// Puts the load of the collector's plan on the server, and returns when all is counted. `live` and `log` hear of each
// second, if they are given. Stops: what has been measured until then is counted, too.
Task<> run_load(Collector& collector, const MakeEndpoint& make_endpoint, LiveView* live, HistogramLog* log);

}  // namespace c10k::load
