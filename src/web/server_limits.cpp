#include "web/server_limits.hpp"

namespace c10k {

ServerLimits server_limits(const Settings& settings) {
    ServerLimits limits;
    limits.http.first_line = settings.max_request_line_bytes;
    limits.http.head = settings.max_head_bytes;
    limits.http.fields = settings.max_header_fields;
    limits.http.body = settings.max_body_bytes;
    limits.backlog = static_cast<int>(settings.backlog);
    limits.kernel_unsent_bytes = static_cast<int>(settings.kernel_unsent_bytes);
    limits.max_connections = settings.max_connections;
    limits.max_connections_per_address = settings.max_connections_per_address;
    limits.max_newcomers = settings.max_newcomers;
    limits.trusted_proxies = settings.trusted_proxies;
    limits.proxy_protocol = settings.proxy_protocol;
    limits.head_time = settings.head_time;
    limits.body_time = settings.body_time;
    limits.min_body_rate = settings.min_body_rate;
    limits.body_grace = settings.body_grace;
    limits.idle_time = settings.idle_time;
    limits.write_time = settings.write_time;
    limits.min_response_rate = settings.min_response_rate;
    limits.half_closed_time = settings.half_closed_time;
    limits.keepalive_time = settings.keepalive_time;
    limits.handshake_time = settings.handshake_time;
    limits.shutdown_time = settings.shutdown_time;
    limits.drain_rate = settings.drain_rate / settings.workers + 1;
    limits.websocket.protocol.max_message_bytes = settings.max_message_bytes;
    limits.websocket.protocol.max_fragment_bytes = settings.max_fragment_bytes;
    limits.websocket.protocol.max_fragments = settings.max_fragments;
    limits.websocket.inbox_bytes = settings.inbox_bytes;
    limits.websocket.outbox_bytes = settings.outbox_bytes;
    limits.websocket.slow_bytes = settings.slow_bytes;
    limits.websocket.slow_time = settings.slow_time;
    limits.websocket.slow_limit_bytes = settings.slow_limit_bytes;
    limits.mailbox_bytes = settings.mailbox_bytes;
    limits.websocket.message_time = settings.message_time;
    limits.websocket.ping_interval = settings.ping_interval;
    limits.websocket.ping_timeout = settings.ping_timeout;
    limits.websocket.close_time = settings.close_time;
    return limits;
}

}  // namespace c10k
