#include "server/server_context.hpp"

#include "base/date.hpp"

#include <utility>

namespace c10k {

ServerContext::ServerContext(LoopServices& its_services, Application& its_application, const ServerLimits& its_limits,
                             const ServerCertificates* its_certificates, std::shared_ptr<Admission> its_admission)
    : services(its_services), application(its_application), limits(its_limits), certificates(its_certificates),
      admission(std::move(its_admission)), connections(services, *admission) {}

const std::string& ServerContext::date() {
    if (const std::int64_t second = services.loop.now() / 1000; second != date_second_) {
        date_second_ = second;
        date_ = http_date(services.loop.backend().wall_clock());
    }
    return date_;
}

void ServerContext::warn_of(std::string_view peer, std::string_view what, std::string_view why) {
    if (warnings_.is_due(services.loop.now())) {
        log::warning(std::string{what} + ' ' + std::string{peer} + ", and perhaps others: " + std::string{why});
    }
}

}  // namespace c10k
