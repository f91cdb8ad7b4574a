#include "server/server_context.hpp"

#include "base/date.hpp"
#include "http2/http2_backend.hpp"
#include "wire/forwarded.hpp"

#include <utility>

namespace c10k {

namespace {

Http2Options http2_options(const ServerLimits& limits) {
    Http2Options options;
    static_cast<Http2Limits&>(options) = limits;
    options.max_head_bytes = limits.max_head_bytes;
    options.max_header_fields = limits.max_header_fields;
    options.head_time = limits.head_time;
    options.ping_interval = std::chrono::duration_cast<std::chrono::seconds>(limits.ping_interval);
    options.ping_timeout = std::chrono::duration_cast<std::chrono::seconds>(limits.ping_timeout);
    return options;
}

std::string_view why_rejected(Limit limit) noexcept {
    switch (limit) {
        case Limit::kMaxTcpConnections: return "as many TCP connections as max_tcp_connections allows are open";
        case Limit::kMaxConnectionsPerAddress:
            return "its address has as many connections as max_connections_per_address allows";
        default: return "as many connections as max_connections allows are open";
    }
}

}  // namespace

ServerContext::ServerContext(LoopServices& its_services, Application& its_application, const ServerLimits& its_limits,
                             const ServerCertificates* its_certificates, std::shared_ptr<Admission> its_admission)
    : services(its_services), application(its_application), limits(its_limits), certificates(its_certificates),
      admission(std::move(its_admission)), http2(http2_options(limits)), connections(services, *admission) {
    if (limits.http2 != "off") {
        Http2Backend::of(services.loop);
    }
}

bool ServerContext::admits_http2(std::string_view peer) const {
    return limits.http2 == "on" || (limits.http2 == "trusted" && wire::is_trusted(peer, limits.http2_trusted));
}

const std::string& ServerContext::date() {
    if (const std::int64_t second = services.loop.now() / 1000; second != date_second_) {
        date_second_ = second;
        date_ = http_date(services.loop.backend().wall_clock());
    }
    return date_;
}

void ServerContext::note_rejected(std::string_view peer, Limit limit) {
    counters().count(limit);
    warn_of(peer, "rejected", why_rejected(limit));
}

void ServerContext::warn_of(std::string_view peer, std::string_view what, std::string_view why) {
    if (warnings_.is_due(services.loop.now())) {
        log::warning(std::string{what} + ' ' + std::string{peer} + ", and perhaps others: " + std::string{why});
    }
}

Response full_response() { return Response::text("The server is full.\n", 503); }

}  // namespace c10k
