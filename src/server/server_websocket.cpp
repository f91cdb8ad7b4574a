#include "server/server_websocket.hpp"

#include "wire/extensions.hpp"
#include "wire/handshake.hpp"
#include "wire/http1.hpp"

#include <new>
#include <optional>

namespace c10k {
namespace {

Task<> fail(std::exception_ptr failure) {
    std::rethrow_exception(std::move(failure));
    co_return;
}

}  // namespace

// The connection needs this until its view has answered, within a time limit. If somebody else answers, or the peer
// goes, the view still has the request.
struct ServerWebSocket::Handshake final : public Timer {
    Handshake(ServerWebSocket& connection, wire::HandshakeOffer offered, Request asked, std::string came_early)
        : owner(connection), offer(std::move(offered)), request(std::move(asked)), early(std::move(came_early)) {}

    void on_time() override {
        ServerWebSocket& connection = owner;
        connection.server_.counters().count(Limit::kHandshakeTime);
        connection.refuse(Response::text("The view did not answer the handshake in time.\n", 503));
        connection.scope_.request_stop();
    }

    ServerWebSocket& owner;
    wire::HandshakeOffer offer;
    Request request;
    std::string early;
    std::optional<wire::DeflateParameters> deflate;  // what is agreed on
};

ServerWebSocket::ServerWebSocket(Server& server, SocketId socket, WebSocketMatch match, Request request,
                                 std::string early, Admission::AddressSlot slot)
    : WebSocketConnection(server.loop(), socket, wire::Role::kServer, server.limits(), match.route->slow_member),
      server_(server), route_(*match.route), captures_(std::move(match.captures)),
      handshake_(std::make_unique<Handshake>(*this, std::move(match.offer), std::move(request), std::move(early))),
      subprotocol_(wire::choose_subprotocol(handshake_->offer.subprotocols, route_.subprotocols)), address_slot_(slot) {
    handshake_->start(server.limits().handshake_time);
    if (handshake_->offer.deflate && route_.compression.is_on()) {
        handshake_->deflate = wire::answer_deflate(*handshake_->offer.deflate, route_.compression);
        compress(*handshake_->deflate, route_.compression.from_bytes);
    }
    try {
        view_ = route_.view(*this, captures_.texts());
    } catch (...) {  // it is no coroutine, but a function that makes one
        view_ = fail(std::current_exception());
    }
    view_.start(scope_, *this);
}

ServerWebSocket::~ServerWebSocket() = default;

// ---- The handshake

void ServerWebSocket::answer_handshake() {
    if (!is_opening()) {
        return;
    }
    const Response response = wire::switching_protocols(handshake_->offer, subprotocol_, handshake_->deflate);
    const std::string head = wire::to_bytes(response, {.date = server_.date()});
    const std::unique_ptr<Handshake> handshake = std::move(handshake_);
    opened_ = true;
    server_.counters().opened.add();
    try {
        server_.application().on_websocket_opened(route_, handshake->request);
        open(head, handshake->early);
    } catch (const std::bad_alloc&) {
        drop(CloseCode::kAbnormal, "out of memory");  // half an answer cannot be taken back
        throw;
    }
}

void ServerWebSocket::refuse_handshake(int status, std::string_view text) {
    if (!handshake_) {
        WebSocketConnection::refuse_handshake(status, text);
    }
    if (is_opening()) {
        refuse(Response::text(std::string{text}, status));
    }
    handshake_.reset();
}

void ServerWebSocket::turn_handshake_away() {
    refuse(Response::text("The WebSocket was closed before its view had answered.\n", 503));
}

void ServerWebSocket::refuse(const Response& response) {
    wire::require_final(response.status);
    const std::string bytes = wire::to_bytes(response, {.keep_alive = false, .date = server_.date()});
    server_.application().on_answered(handshake_->request, response);
    handshake_->cancel();
    WebSocketConnection::refuse(bytes);
}

const Request& ServerWebSocket::handshake_request() const {
    return handshake_ ? handshake_->request : WebSocketConnection::handshake_request();
}

std::string_view ServerWebSocket::subprotocol() const noexcept { return subprotocol_; }

void ServerWebSocket::on_received(std::span<char> bytes) {
    if (is_opening()) {
        handshake_->early.append(bytes.data(), bytes.size());
    } else {
        WebSocketConnection::on_received(bytes);
    }
}

// ---- The end

// The view has ended, and its frame goes now; the connection may still have a close frame to wait for.
void ServerWebSocket::on_completed() noexcept {
    try {
        answer_view();
    } catch (...) {  // there is no memory for a last word
        drop(CloseCode::kAbnormal, "out of memory");
    }
    view_ended_ = true;
    view_ = {};
    captures_ = {};
    handshake_.reset();
    leave_groups();
    if (WebSocketConnection::is_gone()) {
        retire();
    }
}

void ServerWebSocket::answer_view() {
    try {
        view_.result();
        WebSocketConnection::close(CloseCode::kNormal, {});
    } catch (const ConnectionClosed&) {  // the peer has gone, and the view need not care
    } catch (const Stopped&) {
        close_for_others(CloseCode::kGoingAway, {});
    } catch (...) {
        if (is_opening() && handshake_) {
            refuse(server_.application().on_view_failed(handshake_->request, std::current_exception()));
        } else {
            const auto code = server_.application().on_websocket_failed(route_, std::current_exception());
            WebSocketConnection::close(code, code == CloseCode::kInternalError ? "internal error" : "");
        }
    }
}

void ServerWebSocket::on_gone() {
    if (opened_) {
        server_.counters().count_close(close_info().code);
        try {
            server_.application().on_websocket_closed(route_, close_info());
        } catch (const std::bad_alloc&) {  // the log lacks a line
        }
    }
    if (handshake_) {
        handshake_->cancel();
    }
    if (view_ended_) {
        retire();
    }
}

void ServerWebSocket::retire() noexcept { server_.connections().retire(*this, address_slot_); }

void ServerWebSocket::close(const ShutdownOptions& options) { close_for_others(options.code, options.reason); }

void ServerWebSocket::abort() noexcept {
    scope_.request_stop();
    drop(CloseCode::kGoingAway, "the server is shutting down");
}

}  // namespace c10k
