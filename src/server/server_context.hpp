#pragma once

#include "base/log.hpp"
#include "c10k/http.hpp"
#include "c10k/limits.hpp"
#include "connection/loop_services.hpp"
#include "http2/http2_events.hpp"
#include "server/admission.hpp"
#include "server/application.hpp"
#include "server/connection_list.hpp"
#include "server/subprotocol_table.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace c10k {

class ServerCertificates;

// The parts of a server that its connections use. They outlive every connection that has not retired.
struct ServerContext {
    ServerContext(LoopServices& its_services, Application& its_application, const ServerLimits& its_limits,
                  const ServerCertificates* its_certificates, std::shared_ptr<Admission> its_admission);
    ServerContext(const ServerContext&) = delete;
    ServerContext& operator=(const ServerContext&) = delete;

    LoopServices& services;
    Application& application;
    const ServerLimits& limits;
    const ServerCertificates* certificates;      // null: the server does not speak TLS
    const std::shared_ptr<Admission> admission;  // shared by the servers that share the limits
    const Http2Options http2;
    ConnectionList connections;
    SubprotocolTable subprotocols;
    bool is_closing = false;  // each connection makes its next answer the last one

    [[nodiscard]] Counters& counters() const noexcept { return *services.counters; }
    [[nodiscard]] bool is_secure() const noexcept { return certificates != nullptr; }
    // Whether connections from `peer` may speak HTTP/2.
    [[nodiscard]] bool admits_http2(std::string_view peer) const;
    // The Date field's value, renewed once a second.
    [[nodiscard]] const std::string& date();
    // A limit on connections keeps `peer` out: counts and logs it.
    void note_rejected(std::string_view peer, Limit limit);
    // Logs what was done to `peer`, and why; at most one such line a second.
    void warn_of(std::string_view peer, std::string_view what, std::string_view why);

private:
    log::RateLimit warnings_;
    std::string date_;
    std::int64_t date_second_ = -1;
};

// The answer to clients beyond a limit on connections. The server does not know when there will be room, so it has no
// Retry-After.
[[nodiscard]] Response full_response();

}  // namespace c10k
