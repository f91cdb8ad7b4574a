#include "live/sampler.hpp"

#include "base/read_file.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

using Json = nlohmann::json;
using Walks = std::vector<std::shared_ptr<const LoopWalk>>;

constexpr double kMicrosecondsInAMillisecond = 1000;

std::string_view policy(const RouteTraffic& route) {
    if (route.kind == RouteTraffic::Kind::kPage) {
        return "";
    }
    switch (route.slow_member) {
        case SlowMember::kDropOldest: return "drop oldest";
        case SlowMember::kDropNewest: return "drop newest";
        default: return "close (1013)";
    }
}

// Bytes of memory of this process that the kernel holds; 0 if it does not say.
std::uint64_t resident_memory() {
    const std::string text = read_file("/proc/self/statm").value_or("");
    const std::size_t begin = std::min(text.find(' '), text.size() - 1) + 1;
    const auto pages = to_number<std::uint64_t>(std::string_view{text}.substr(begin, text.find(' ', begin) - begin));
    return pages.value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// 0 if there seem to be fewer now: a loop counts a connection in steps, and a sample can come between them.
std::uint64_t per_second(std::uint64_t before, std::uint64_t now, double seconds) {
    const auto more = std::max<std::int64_t>(static_cast<std::int64_t>(now - before), 0);
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(more) / seconds));
}

Json microseconds_or_null(std::optional<double> time) { return time ? Json(std::round(*time)) : Json(nullptr); }

double unix_time() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count()) / 1e3;
}

std::string name_of_close(std::size_t index) {
    return index < Counters::kCodes    ? std::to_string(Counters::kFirstCode + index)
           : index == Counters::kCodes ? "3xxx"
                                       : "4xxx";
}

Json queue_classes(const Walks& walks) {
    std::array<std::uint64_t, LoopWalk::kClasses> sums{};
    for (const auto& walk : walks) {
        for (std::size_t i = 0; walk != nullptr && i < sums.size(); ++i) {
            sums[i] += walk->queues[i];
        }
    }
    return sums;
}

}  // namespace

Sampler::Sums& Sampler::Sums::operator+=(const Traffic& traffic) {
    received += traffic.received.value();
    received_bytes += traffic.received_bytes.value();
    sent += traffic.sent.value();
    sent_bytes += traffic.sent_bytes.value();
    return *this;
}

Sampler::Sums& Sampler::Sums::operator+=(const Sums& other) {
    for (const auto member : {&Sums::open, &Sums::open_tcp, &Sums::accepted, &Sums::websockets, &Sums::dropped,
                              &Sums::received, &Sums::received_bytes, &Sums::sent, &Sums::sent_bytes}) {
        this->*member += other.*member;
    }
    return *this;
}

Sampler::Sampler(std::vector<LoopSource> loops)
    : loops_(std::move(loops)), last_walks_(loops_.size()), last_time_(std::chrono::steady_clock::now()),
      memory_at_start_(resident_memory()) {
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        last_of_loops_.push_back(of_loop(i));
    }
    const std::size_t routes = loops_.empty() ? 0 : loops_.front().routes.size();
    for (std::size_t i = 0; i < routes; ++i) {
        last_of_routes_.push_back(of_route(i));
    }
    answers_.resize(routes);
    closes_.push_back(closes());
}

Sampler::Sums Sampler::of_loop(std::size_t loop) const {
    const LoopSource& source = loops_[loop];
    Sums sums{.open = source.counters->open.value(),
              .open_tcp = source.counters->open_tcp.value(),
              .accepted = source.counters->accepted.value(),
              .dropped = source.counters->dropped.value()};
    for (const RouteTraffic& route : source.routes) {
        if (route.kind == RouteTraffic::Kind::kWebSocket) {
            sums += *route.traffic;
            sums.websockets += route.traffic->open.value();
        }
    }
    return sums;
}

Sampler::Sums Sampler::of_route(std::size_t route) const {
    Sums sums;
    for (const LoopSource& source : loops_) {
        sums += *source.routes[route].traffic;
        sums.open += source.routes[route].traffic->open.value();
    }
    return sums;
}

Sampler::Closes Sampler::closes() const {
    Closes sums{};
    for (const LoopSource& source : loops_) {
        for (std::size_t i = 0; i < sums.size(); ++i) {
            sums[i] += source.counters->closes[i].value();
        }
    }
    return sums;
}

Json Sampler::rates(const Sums& before, const Sums& now, double seconds) const {
    return {{"open", now.open},
            {"in", per_second(before.received, now.received, seconds)},
            {"out", per_second(before.sent, now.sent, seconds)},
            {"received", per_second(before.received_bytes, now.received_bytes, seconds)},
            {"sent", per_second(before.sent_bytes, now.sent_bytes, seconds)}};
}

Json Sampler::loop_figures(double seconds, const Walks& walks) {
    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    const std::int64_t now = duration_cast<microseconds>(last_time_.time_since_epoch()).count();
    Json figures = Json::array();
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        const Sums sums = of_loop(i);
        Json loop = rates(std::exchange(last_of_loops_[i], sums), sums, seconds);
        loop["delay"] = static_cast<double>(loops_[i].delay->take_longest(now)) / kMicrosecondsInAMillisecond;
        loop["queued"] = walks[i] != nullptr ? Json(walks[i]->queued) : Json(nullptr);
        loop["slow"] = walks[i] != nullptr ? Json(walks[i]->slow) : Json(nullptr);
        figures.push_back(std::move(loop));
    }
    return figures;
}

Json Sampler::route_figures(double seconds, const Walks& walks) {
    Json figures = Json::array();
    for (std::size_t i = 0; i < last_of_routes_.size(); ++i) {
        const Sums sums = of_route(i);
        Json route = rates(std::exchange(last_of_routes_[i], sums), sums, seconds);
        answers_[i].fade();
        LoopWalk::OfRoute seen;
        for (std::size_t loop = 0; loop < walks.size(); ++loop) {
            if (const auto& walk = walks[loop]) {
                seen.count += walk->routes[i].count;
                seen.memory += walk->routes[i].memory;
                seen.slow += walk->routes[i].slow;
                answers_[i].add(walk != last_walks_[loop] ? walk->routes[i].answers : DurationCounts{});
            }
        }
        route["p50"] = microseconds_or_null(answers_[i].percentile(0.5));
        route["p99"] = microseconds_or_null(answers_[i].percentile(0.99));
        route["memory"] = seen.count > 0 ? Json(seen.memory / seen.count) : Json(nullptr);
        route["slow"] = seen.slow;
        figures.push_back(std::move(route));
    }
    return figures;
}

// Since the oldest sample that is kept.
Json Sampler::ended(const Closes& now) const {
    Json codes = Json::array();
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (const std::uint64_t count = now[i] - closes_.front()[i]; count > 0) {
            codes.push_back(Json::array({name_of_close(i), count}));
        }
    }
    return codes;
}

void Sampler::take(std::chrono::steady_clock::time_point now, const Walks& walks) {
    const double seconds = std::max(std::chrono::duration<double>(now - last_time_).count(), 0.001);
    last_time_ = now;
    Sums before;
    for (const Sums& loop : last_of_loops_) {
        before += loop;
    }
    Json loops = loop_figures(seconds, walks);
    Sums sums;
    for (const Sums& loop : last_of_loops_) {
        sums += loop;
    }
    std::uint64_t queued = 0;
    std::uint64_t slow = 0;
    for (const auto& walk : walks) {
        queued += walk != nullptr ? walk->queued : 0;
        slow += walk != nullptr ? walk->slow : 0;
    }
    const std::uint64_t memory = resident_memory();
    const std::uint64_t grown = memory > memory_at_start_ ? memory - memory_at_start_ : 0;
    Json total = rates(before, sums, seconds);
    total["at"] = unix_time();
    total["websockets"] = sums.websockets;
    total["accepted"] = per_second(before.accepted, sums.accepted, seconds);
    total["left"] = per_second(before.accepted - before.open_tcp, sums.accepted - sums.open_tcp, seconds);
    total["dropped"] = per_second(before.dropped, sums.dropped, seconds);
    total["queued"] = queued;
    total["slow"] = slow;
    total["memory"] = {{"all", memory}, {"each", sums.open > 0 ? Json(grown / sums.open) : Json(nullptr)}};
    total["delays"] = Json::array();
    for (const Json& loop : loops) {
        total["delays"].push_back(loop["delay"]);
    }
    const Closes closed = closes();
    figures_ = {{"now", total},
                {"loops", std::move(loops)},
                {"routes", route_figures(seconds, walks)},
                {"queues", queue_classes(walks)},
                {"closes", ended(closed)}};
    last_walks_ = walks;
    totals_.push_back(std::move(total));
    closes_.push_back(closed);
    if (totals_.size() > kKept) {
        totals_.pop_front();
        closes_.pop_front();
    }
}

Json Sampler::history() const { return Json(totals_); }

Json Sampler::routes() const {
    Json routes = Json::array();
    for (const RouteTraffic& route : loops_.empty() ? std::vector<RouteTraffic>{} : loops_.front().routes) {
        routes.push_back({{"route", route.route},
                          {"kind", route.kind == RouteTraffic::Kind::kPage ? "page" : "WebSocket"},
                          {"slow", policy(route)}});
    }
    return routes;
}

}  // namespace c10k
