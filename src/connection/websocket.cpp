#include "c10k/websocket.hpp"

#include "connection/websocket_connection.hpp"
#include "connection/websocket_table.hpp"
#include "wire/protocol.hpp"
#include "wire/utf8.hpp"

#include <stdexcept>
#include <utility>

namespace c10k {

WebSocketConnection& WebSocket::connection() noexcept { return static_cast<WebSocketConnection&>(*this); }
const WebSocketConnection& WebSocket::connection() const noexcept {
    return static_cast<const WebSocketConnection&>(*this);
}

WebSocket::RecvAwaiter WebSocket::recv() {
    connection().answer_handshake();
    return RecvAwaiter{connection()};
}

WebSocket::SendAwaiter WebSocket::send(const Message& message) {
    connection().answer_handshake();
    connection().send(message);
    return SendAwaiter{connection()};
}

WebSocket::SendAwaiter WebSocket::send(std::string_view text) {
    wire::require_utf8(text);
    connection().answer_handshake();
    connection().send_text(text);
    return SendAwaiter{connection()};
}

WebSocket::ClosedAwaiter WebSocket::closed() { return ClosedAwaiter{connection()}; }

void WebSocket::close(std::uint16_t code, std::string_view reason) { connection().close(code, reason); }

void WebSocket::accept() { connection().answer_handshake(); }

void WebSocket::refuse(int status, std::string_view text) { connection().refuse_handshake(status, text); }

const Request& WebSocket::request() const { return connection().handshake_request(); }

std::string_view WebSocket::subprotocol() const noexcept { return connection().subprotocol(); }

bool WebSocket::is_compressed() const noexcept { return connection().is_compressed(); }

bool WebSocket::is_open() const noexcept { return connection().is_open(); }

const CloseInfo& WebSocket::close_info() const noexcept { return connection().close_info(); }

Handle WebSocket::handle() const { return connection().handle(); }

// ---- EndsWithView

void internal::EndsWithView::enter(WebSocketConnection& connection) noexcept {
    link_ = &connection.memberships;
    next_ = std::exchange(*link_, this);
    if (next_ != nullptr) {
        next_->link_ = &next_;
    }
}

void internal::EndsWithView::leave_list() noexcept {
    if (link_ != nullptr) {
        *link_ = next_;
        if (next_ != nullptr) {
            next_->link_ = link_;
        }
        link_ = nullptr;
        next_ = nullptr;
    }
}

void internal::EndsWithView::replace(EndsWithView& other) noexcept {
    link_ = std::exchange(other.link_, nullptr);
    next_ = std::exchange(other.next_, nullptr);
    if (link_ != nullptr) {
        *link_ = this;
    }
    if (next_ != nullptr) {
        next_->link_ = &next_;
    }
}

// ---- recv()

bool WebSocket::RecvAwaiter::await_ready() const {
    if (connection_.receiver != nullptr) {
        throw std::logic_error("recv(): another recv() is pending on this WebSocket");
    }
    return connection_.has_message() || !connection_.is_open() || stop_requested();
}

void WebSocket::RecvAwaiter::await_suspend(std::coroutine_handle<> task) {
    connection_.receiver = this;
    suspend(task);
}

std::optional<Message> WebSocket::RecvAwaiter::await_resume() {
    if (connection_.receiver == this) {
        connection_.receiver = nullptr;
    }
    throw_if_stopped();
    if (!connection_.has_message()) {
        return std::nullopt;
    }
    return connection_.take_message();
}

void WebSocket::RecvAwaiter::on_stop() noexcept {
    connection_.receiver = nullptr;
    resume();
}

// ---- send()

bool WebSocket::SendAwaiter::await_ready() const noexcept {
    return !connection_.is_full() || !connection_.is_open() || stop_requested();
}

void WebSocket::SendAwaiter::await_suspend(std::coroutine_handle<> task) {
    next_ = std::exchange(connection_.senders, this);
    suspend(task);
}

void WebSocket::SendAwaiter::await_resume() const {
    throw_if_stopped();
    if (!connection_.is_open()) {
        throw ConnectionClosed{};
    }
}

void WebSocket::SendAwaiter::on_stop() noexcept {
    SendAwaiter** link = &connection_.senders;
    while (*link != this) {
        link = &(*link)->next_;
    }
    *link = next_;
    resume();
}

// ---- closed()

bool WebSocket::ClosedAwaiter::await_ready() const noexcept { return !connection_.is_open() || stop_requested(); }

void WebSocket::ClosedAwaiter::await_suspend(std::coroutine_handle<> task) {
    next_ = std::exchange(connection_.watchers, this);
    suspend(task);
}

void WebSocket::ClosedAwaiter::on_stop() noexcept {
    ClosedAwaiter** link = &connection_.watchers;
    while (*link != this) {
        link = &(*link)->next_;
    }
    *link = next_;
    resume();
}

namespace {

Task<> stop_when_closed(WebSocket& socket, TaskGroup& group) {
    co_await socket.closed();
    group.stop();
}

}  // namespace

Task<> while_open(WebSocket& socket, Task<> task) {
    co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(stop_when_closed(socket, group));
        co_await std::move(task);
        group.stop();
    });
}

// ---- Handle

bool Handle::send(Message message) const {
    if (!jobs_) {
        return false;
    }
    if (Loop* loop = Loop::current_if_any(); loop != nullptr && loop->job_queue() == jobs_) {
        const WebSocketConnection* connection = loop->local<WebSocketTable>().find(slot_, generation_);
        if (connection == nullptr || !connection->is_open()) {
            return false;
        }
    }
    const std::size_t bytes = sizeof message + message.size();
    return jobs_->has_room_for(bytes) &&
           jobs_->post_call(
               [slot = slot_, generation = generation_, message = std::move(message)] {
                   if (auto* connection = Loop::current().local<WebSocketTable>().find(slot, generation)) {
                       wire::PreparedMessage prepared{message};
                       connection->deliver(prepared);
                   }
               },
               bytes);
}

void Handle::close(std::uint16_t code, std::string reason) const {
    wire::check_close(code, reason);  // here, where the caller learns of it
    if (jobs_) {
        jobs_->post_call([slot = slot_, generation = generation_, code, reason = std::move(reason)] {
            if (WebSocketConnection* connection = Loop::current().local<WebSocketTable>().find(slot, generation)) {
                connection->close_for_others(code, reason);
            }
        });
    }
}

}  // namespace c10k
