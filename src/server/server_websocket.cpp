#include "server/server_websocket.hpp"

#include "http2/http2_backend.hpp"
#include "server/http2_request.hpp"
#include "wire/extensions.hpp"
#include "wire/handshake.hpp"
#include "wire/response_writer.hpp"

#include <malloc.h>
#include <new>
#include <optional>
#include <span>
#include <utility>

namespace c10k {
namespace {

Task<> fail(std::exception_ptr failure) {
    std::rethrow_exception(std::move(failure));
    co_return;
}

}  // namespace

// The handshake as the application sees it. The view has a time to answer it.
class ServerWebSocket::Handshake final : public OpeningHandshake {
public:
    Handshake(ServerWebSocket& owner, wire::HandshakeOffer offer, Request asked, std::string came_early)
        : OpeningHandshake(std::move(asked), std::move(came_early)), owner_(owner), offer_(std::move(offer)) {}

    // Agrees on what the route wants of the peer's offer.
    void agree() {
        const WebSocketRoute& route = owner_.route_;
        agreed_ = wire::choose_subprotocol(offer_.subprotocols, route.subprotocols);
        if (offer_.deflate && route.compression.is_on()) {
            deflate_ = wire::answer_deflate(*offer_.deflate, route.compression);
            owner_.connection_.compress(*deflate_, route.compression.from_bytes);
        }
    }

    // What the view gets if it does not choose.
    [[nodiscard]] std::string_view agreed_subprotocol() const noexcept { return agreed_; }

private:
    [[nodiscard]] std::span<const std::string> offered_subprotocols() const noexcept override {
        return offer_.subprotocols;
    }
    std::string accept(const AcceptOptions& options) override;
    void on_accepted() override {
        owner_.is_opened_ = true;
        owner_.context_.counters().opened.add();
        owner_.route_.traffic->opened.add();
        owner_.route_.traffic->open.add();
        owner_.context_.application.on_websocket_opened(owner_.route_, request, owner_.socket_);
        if (MessageTap* const tap = owner_.context_.services.tap) {
            tap->on_opened(owner_.connection_, request, owner_.route_.name);
        }
    }
    std::string refuse(const Response& response) override {
        if (Http2Backend::is_stream(owner_.connection_.socket())) {
            send_head(refusing(response.status), fields_of(response, owner_.context_.date()),
                      response.body.empty() ? wire::Http2Body::kNone : wire::Http2Body::kFollows);
            owner_.context_.application.on_answered(request, response);
            return response.body;
        }
        wire::require_final(response.status);
        std::string bytes = wire::to_bytes(response, {.keep_alive = false, .date = owner_.context_.date()});
        owner_.context_.application.on_answered(request, response);
        return bytes;
    }
    void on_time() override {
        owner_.context_.counters().count(Limit::kHandshakeTime);
        owner_.scope_.request_stop();
        try {
            owner_.connection_.refuse(Response::text("The view did not answer the handshake in time.\n", 503));
        } catch (const std::bad_alloc&) {
            owner_.connection_.abort(CloseCode::kAbnormal, "out of memory");
        }
    }

    // On a stream of HTTP/2.
    void send_head(int status, const Headers& fields, wire::Http2Body body) {
        const SocketId stream = owner_.connection_.socket();
        Http2Backend::of(owner_.context_.services.loop).respond(stream, status, fields, body);
    }

    ServerWebSocket& owner_;
    wire::HandshakeOffer offer_;
    std::string_view agreed_;                         // in the route's list
    std::optional<wire::DeflateParameters> deflate_;  // what is agreed on
};

std::string ServerWebSocket::Handshake::accept(const AcceptOptions& options) {
    const std::string_view subprotocol = options.subprotocol ? std::string_view{*options.subprotocol} : agreed_;
    Response response = wire::switching_protocols(offer_, subprotocol, deflate_, options.headers);
    std::string bytes;
    if (Http2Backend::is_stream(owner_.connection_.socket())) {
        response.status = 200;  // RFC 8441, 5
        response.headers.remove("Sec-WebSocket-Accept");
        Headers fields = fields_of(response, owner_.context_.date());
        fields.remove("Content-Length");
        send_head(response.status, fields, wire::Http2Body::kFollows);
    } else {
        bytes = wire::to_bytes(response, {.date = owner_.context_.date()});
    }
    owner_.subprotocol_ = owner_.context_.subprotocols.take(subprotocol);
    return bytes;
}

ServerWebSocket::ServerWebSocket(ServerContext& context, SocketId socket, WebSocketMatch match, Request request,
                                 std::string early, Admission::AddressSlot slot)
    : context_(context), route_(*match.route), captures_(std::move(match.captures)),
      connection_(context.services, socket, wire::Role::kServer, context.limits, *match.route->traffic,
                  match.route->slow_member, *this,
                  std::make_unique<Handshake>(*this, std::move(match.offer), std::move(request), std::move(early))),
      address_slot_(slot) {
    static_assert(sizeof(ServerWebSocket) <= 392, "every connection has one, and malloc's next size is 16 bytes more");
    auto& handshake = static_cast<Handshake&>(*connection_.opening());
    handshake.start(context.limits.handshake_time);
    handshake.agree();
    try {
        view_ = route_.view(socket_, captures_.texts());
    } catch (...) {  // it is no coroutine, but a function that makes one
        view_ = fail(std::current_exception());
    }
    view_.start(scope_, *this);
}

std::string_view ServerWebSocket::subprotocol() const noexcept {
    if (const OpeningHandshake* handshake = connection_.opening()) {
        return static_cast<const Handshake*>(handshake)->agreed_subprotocol();
    }
    return context_.subprotocols.name(subprotocol_);
}

// Of the view, the frame of its outermost coroutine.
std::size_t ServerWebSocket::memory() const noexcept {
    return sizeof(*this) + (view_.frame() != nullptr ? ::malloc_usable_size(view_.frame()) : 0);
}

// ---- The end

// The view has ended, and its frame goes now; the connection may still have a close frame to wait for.
void ServerWebSocket::on_completed() noexcept {
    try {
        answer_view();
    } catch (...) {  // there is no memory for a last word
        connection_.abort(CloseCode::kAbnormal, "out of memory");
    }
    has_view_ended_ = true;
    view_ = {};
    captures_ = {};
    connection_.forget_opening();
    connection_.leave_groups();
    if (connection_.is_closed()) {
        retire();
    }
}

void ServerWebSocket::answer_view() {
    try {
        view_.result();
        connection_.start_close(CloseCode::kNormal, {});
    } catch (const ConnectionClosed&) {
        if (connection_.state() <= CloseState::kOpen) {  // another WebSocket has closed, and the view did not handle it
            answer_failure(std::current_exception());
        }
    } catch (const Stopped&) {
        connection_.close_for_others(CloseCode::kGoingAway, {});
    } catch (...) {
        answer_failure(std::current_exception());
    }
}

void ServerWebSocket::answer_failure(std::exception_ptr failure) {
    if (connection_.state() == CloseState::kOpening) {
        connection_.refuse(context_.application.on_view_failed(connection_.opening()->request, std::move(failure)));
    } else {
        const auto code = context_.application.on_websocket_failed(route_, socket_, std::move(failure));
        connection_.start_close(code, code == CloseCode::kInternalError ? "internal error" : "");
    }
}

void ServerWebSocket::on_closed() {
    if (is_opened_) {
        context_.counters().count_close(connection_.close_info().code);
        route_.traffic->open.subtract();
        try {
            context_.application.on_websocket_closed(route_, socket_);
        } catch (const std::bad_alloc&) {  // the log lacks a line
        }
    }
    if (has_view_ended_) {
        retire();
    }
}

void ServerWebSocket::retire() noexcept {
    context_.subprotocols.release(subprotocol_);
    context_.connections.retire(*this, address_slot_);
}

void ServerWebSocket::close(const ShutdownOptions& options) {
    connection_.close_for_others(options.code, options.reason);
}

Admission::Kind ServerWebSocket::kind() const noexcept {
    return Http2Backend::is_stream(connection_.socket()) ? Admission::Kind::kStream : Admission::Kind::kTcp;
}

void ServerWebSocket::abort() noexcept {
    scope_.request_stop();
    connection_.abort(CloseCode::kGoingAway, "the server is shutting down");
}

}  // namespace c10k
