#include "server/http2_connection.hpp"

#include "server/http2_exchange.hpp"
#include "server/http2_request.hpp"

#include <new>
#include <sys/uio.h>
#include <utility>

namespace c10k {

Http2Connection::Http2Connection(ServerContext& context, SocketId tcp, std::string peer, std::string local,
                                 Admission::AddressSlot slot, std::span<const char> early)
    : context_(context), tcp_(tcp), peer_(std::move(peer)), local_(std::move(local)), address_slot_(slot) {
    backend().speak_http2(tcp_, wire::Role::kServer, context_.http2, *this, early);
    start(context_.limits.idle_time);
}

Http2Backend& Http2Connection::backend() const noexcept { return Http2Backend::of(context_.services.loop); }

void Http2Connection::on_stream(SocketId stream, wire::Http2Head head, wire::Http2Body body) try {
    ++requests_;
    if (is_rejected_) {
        refuse(stream, head);
        return;
    }
    if (context_.admission->connections >= context_.limits.max_connections) {
        context_.note_rejected(peer_, Limit::kMaxConnections);
        refuse(stream, head);
        return;
    }
    context_.connections.emplace<Http2Exchange>(context_, stream, peer_, local_, std::move(head), body).begin();
} catch (const std::bad_alloc&) {
    backend().reset(stream, wire::Http2Error::kRefusedStream);
}

// Clients try again at once after REFUSED_STREAM (RFC 9113, 8.7). A peer whose windows have no room for the body gets
// the answer without it: to keep the stream would take memory beyond the limit. See decision 24.
void Http2Connection::refuse(SocketId stream, const wire::Http2Head& head) {
    Response full = full_response();
    Headers fields = fields_of(full, context_.date());
    fields.remove("Content-Length");
    const bool has_body = head.method != "HEAD";
    backend().respond(stream, full.status, fields, has_body ? wire::Http2Body::kFollows : wire::Http2Body::kNone);
    if (has_body) {
        const iovec body{full.body.data(), full.body.size()};
        static_cast<void>(backend().send(stream, {&body, 1}));
        backend().shutdown_write(stream);
    }
    backend().close(stream);
}

void Http2Connection::reject() {
    is_rejected_ = true;
    backend().finish(tcp_);
}

void Http2Connection::on_ended(const Http2Ending& ending) {
    if (ending.kind == Http2Ending::Kind::kPeerFault) {
        context_.warn_of(peer_, "cut off", ending.reason);
    }
    abort();
}

void Http2Connection::on_time() {
    if (backend().streams(tcp_) == 0 && requests_ == requests_before_) {
        context_.counters().count(Limit::kIdleTime);
        backend().finish(tcp_);
        return;
    }
    requests_before_ = requests_;
    start(context_.limits.idle_time);
}

// Streams that there are go on, and end as the server's other connections do.
void Http2Connection::close(const ShutdownOptions& /*options*/) { backend().finish(tcp_); }

void Http2Connection::abort() noexcept {
    cancel();
    backend().close(tcp_);
    context_.connections.retire(*this, address_slot_);
}

}  // namespace c10k
