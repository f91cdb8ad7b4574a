#include "c10k/metrics.hpp"

#include "connection/traffic.hpp"
#include "loop/blocking_pool.hpp"
#include "web/setting_rows.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <string_view>

namespace c10k {
namespace {

using Loops = std::vector<std::shared_ptr<const Counters>>;

struct Named {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    Counter Counters::*counter;
};

constexpr std::array kNumbers{
    Named{"c10k_connections_accepted_total", "counter", "Connections that were accepted.", &Counters::accepted},
    Named{"c10k_accept_failures_total", "counter", "Accepts that failed for want of descriptors or memory.",
          &Counters::accept_failures},
    Named{"c10k_proxy_failures_total", "counter",
          "Connections that did not begin with the PROXY header they should have.", &Counters::proxy_failures},
    Named{"c10k_late_failures_total", "counter", "Failures of connections that were closed already.",
          &Counters::late_failures},
    Named{"c10k_connections_open", "gauge", "Clients: connections of HTTP/1.1, WebSockets, and streams of HTTP/2.",
          &Counters::open},
    Named{"c10k_tcp_connections_open", "gauge", "TCP connections that are open, those of HTTP/2 among them.",
          &Counters::open_tcp},
    Named{"c10k_websockets_opened_total", "counter", "WebSocket handshakes that were accepted.", &Counters::opened},
    Named{"c10k_messages_dropped_total", "counter", "Messages to slow members of routes that drop some.",
          &Counters::dropped},
};

struct NamedBlocking {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    std::uint64_t BlockingCounts::*count;
};

constexpr std::array kBlockingNumbers{
    NamedBlocking{"c10k_blocking_running", "gauge", "Functions of run_blocking() that run.", &BlockingCounts::running},
    NamedBlocking{"c10k_blocking_queued", "gauge", "Functions of run_blocking() that wait for a thread.",
                  &BlockingCounts::queued},
    NamedBlocking{"c10k_blocking_done_total", "counter", "Functions of run_blocking() that have returned or thrown.",
                  &BlockingCounts::done},
    NamedBlocking{"c10k_blocking_refused_total", "counter",
                  "Functions that run_blocking() did not take, since its queue was full.", &BlockingCounts::refused},
};

struct NamedTraffic {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    Counter Traffic::*counter;
};

constexpr std::array kTrafficNumbers{
    NamedTraffic{"c10k_websockets_open", "gauge", "WebSockets that are open.", &Traffic::open},
    NamedTraffic{"c10k_messages_received_total", "counter", "Messages from WebSockets.", &Traffic::received},
    NamedTraffic{"c10k_received_bytes_total", "counter", "Bytes of frames from WebSockets.", &Traffic::received_bytes},
    NamedTraffic{"c10k_messages_sent_total", "counter", "Messages that were queued for WebSockets.", &Traffic::sent},
    NamedTraffic{"c10k_sent_bytes_total", "counter", "Bytes of frames that were queued for WebSockets.",
                 &Traffic::sent_bytes},
};

// Sums over all loops the counter that `pick` picks.
template <typename Pick>
std::uint64_t sum(const Loops& loops, Pick pick) {
    return std::accumulate(loops.begin(), loops.end(), std::uint64_t{0},
                           [&pick](std::uint64_t before, const auto& loop) { return before + pick(*loop).value(); });
}

using Pools = std::vector<std::shared_ptr<const BlockingPool>>;

BlockingCounts sum(const Pools& pools) {
    BlockingCounts sum;
    for (const auto& pool : pools) {
        const BlockingCounts counts = pool->counts();
        for (const NamedBlocking& number : kBlockingNumbers) {
            sum.*number.count += counts.*number.count;
        }
    }
    return sum;
}

// "1000", "3xxx"
std::string close_name(std::size_t index) {
    return index < Counters::kCodes    ? std::to_string(Counters::kFirstCode + index)
           : index == Counters::kCodes ? "3xxx"
                                       : "4xxx";
}

// The value of a label, in quotes, with what may not stand there as it is.
std::string label_value(std::string_view text) {
    std::string value;
    for (const char c : text) {
        value += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string{c};
    }
    return value;
}

// The routes of the loops' sites, which are the same, each once and in their order.
std::vector<std::string_view> names_of(const std::vector<RouteTraffic>& routes) {
    std::vector<std::string_view> names;
    for (const RouteTraffic& route : routes) {
        if (std::find(names.begin(), names.end(), route.route) == names.end()) {
            names.emplace_back(route.route);
        }
    }
    return names;
}

std::uint64_t sum(const std::vector<RouteTraffic>& routes, std::string_view name, Counter Traffic::*counter) {
    std::uint64_t sum = 0;
    for (const RouteTraffic& route : routes) {
        sum += route.route == name ? (*route.traffic.*counter).value() : 0;
    }
    return sum;
}

// The lines in front of a metric's samples.
void append_head(std::string& text, std::string_view name, std::string_view type, std::string_view help) {
    text.append("# HELP ").append(name).append(" ").append(help).append("\n");
    text.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void append_sample(std::string& text, std::string_view name, std::string_view label, std::string_view value,
                   std::uint64_t number) {
    text.append(name);
    if (!label.empty()) {
        text.append("{").append(label).append("=\"").append(label_value(value)).append("\"}");
    }
    text.append(" ").append(std::to_string(number)).append("\n");
}

}  // namespace

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

void Metrics::add(std::shared_ptr<const Counters> loop) {
    const std::lock_guard lock{mutex_};
    loops_.push_back(std::move(loop));
}

void Metrics::add(const std::vector<RouteTraffic>& routes) {
    const std::lock_guard lock{mutex_};
    std::copy_if(routes.begin(), routes.end(), std::back_inserter(routes_),
                 [](const RouteTraffic& route) { return route.kind == RouteTraffic::Kind::kWebSocket; });
}

void Metrics::add(std::shared_ptr<const BlockingPool> pool) {
    const std::lock_guard lock{mutex_};
    pools_.push_back(std::move(pool));
}

std::uint64_t Metrics::strikes(Limit limit) const {
    // Of the loops' limits each loop counts its own; the pool is none of theirs.
    const std::uint64_t of_pools = limit == Limit::kBlockingQueue ? sum(pools_).refused : 0;
    return std::accumulate(loops_.begin(), loops_.end(), of_pools,
                           [limit](std::uint64_t before, const auto& loop) { return before + loop->strikes(limit); });
}

Response Metrics::serve(const Request& /*request*/) const {
    Response response = Response::text(text());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
}

std::string Metrics::text() const {
    const std::lock_guard lock{mutex_};
    std::string text;
    for (const Named& number : kNumbers) {
        append_head(text, number.name, number.type, number.help);
        append_sample(text, number.name, {}, {},
                      sum(loops_, [&number](const Counters& loop) -> const Counter& { return loop.*number.counter; }));
    }
    for (const NamedTraffic& number : kTrafficNumbers) {
        append_head(text, number.name, number.type, number.help);
        for (const std::string_view route : names_of(routes_)) {
            append_sample(text, number.name, "route", route, sum(routes_, route, number.counter));
        }
    }
    const BlockingCounts blocking = sum(pools_);
    for (const NamedBlocking& number : kBlockingNumbers) {
        append_head(text, number.name, number.type, number.help);
        append_sample(text, number.name, {}, {}, blocking.*number.count);
    }
    constexpr std::string_view kCloses = "c10k_websockets_closed_total";
    append_head(text, kCloses, "counter", "WebSockets that have ended, by their close code; 1006: lost.");
    for (std::size_t i = 0; i < Counters::kCodes + 2; ++i) {
        append_sample(text, kCloses, "code", close_name(i),
                      sum(loops_, [i](const Counters& loop) -> const Counter& { return loop.closes[i]; }));
    }
    constexpr std::string_view kStrikes = "c10k_limit_strikes_total";
    append_head(text, kStrikes, "counter", "How often a limit has struck, by the setting that it is.");
    for (const SettingRow& row : setting_rows()) {
        if (row.limit) {
            append_sample(text, kStrikes, "limit", row.name, strikes(*row.limit));
        }
    }
    return text;
}

std::string Metrics::limits_that_struck() const {
    const std::lock_guard lock{mutex_};
    std::string text;
    for (const SettingRow& row : setting_rows()) {
        if (const std::uint64_t count = row.limit ? strikes(*row.limit) : 0; count > 0) {
            text.append(text.empty() ? "" : ", ").append(row.name).append(" ").append(std::to_string(count));
        }
    }
    return text;
}

}  // namespace c10k
