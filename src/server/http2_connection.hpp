#pragma once

#include "c10k/timer.hpp"
#include "http2/http2_backend.hpp"
#include "server/server_context.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace c10k {

// An accepted connection that speaks HTTP/2 (RFC 9113). Each of its streams is a connection of the server, too: a
// Http2Exchange, and perhaps a ServerWebSocket after it.
class Http2Connection final : public ServerConnection, private Http2Events, private Timer {
public:
    // Takes the socket over. `early`: what has come from the peer, beginning with its preface.
    Http2Connection(ServerContext& context, SocketId tcp, std::string peer, std::string local,
                    Admission::AddressSlot slot, std::span<const char> early);

    // Ends, and answers with 503 the streams that come until the peer has heard of it.
    void reject();

private:
    void close(const ShutdownOptions& options) override;
    void abort() noexcept override;
    [[nodiscard]] Admission::Kind kind() const noexcept override { return Admission::Kind::kShared; }

    void on_stream(SocketId stream, wire::Http2Head head, wire::Http2Body body) override;
    void on_limit(Limit limit) override { context_.counters().count(limit); }
    void on_ended(const Http2Ending& ending) override;
    // Ends a connection on which nothing has happened for the idle time.
    void on_time() override;

    // Answers with 503, and keeps nothing of the stream.
    void refuse(SocketId stream, const wire::Http2Head& head);
    [[nodiscard]] Http2Backend& backend() const noexcept;

    ServerContext& context_;
    SocketId tcp_;
    std::string peer_;
    std::string local_;
    Admission::AddressSlot address_slot_;
    std::uint64_t requests_ = 0;
    std::uint64_t requests_before_ = 0;  // at the last look
    bool is_rejected_ = false;
};

}  // namespace c10k
