#include "c10k/websocket.hpp"

#include "connection/websocket_connection.hpp"
#include "connection/websocket_table.hpp"
#include "wire/protocol.hpp"
#include "wire/utf8.hpp"

#include <stdexcept>
#include <utility>

namespace c10k {

WebSocket::RecvAwaiter WebSocket::recv() {
    connection_.accept();
    return RecvAwaiter{connection_};
}

std::optional<Message> WebSocket::try_recv() {
    internal::require(!connection_.has_receiver(), "try_recv(): a recv() is pending on this WebSocket");
    connection_.accept();
    return connection_.has_message() ? std::optional{connection_.take_message()} : std::nullopt;
}

WebSocket::SendAwaiter WebSocket::send(const Message& message) {
    connection_.queue_message(message);
    return SendAwaiter{connection_};
}

WebSocket::SendAwaiter WebSocket::send(std::string_view text) {
    wire::require_utf8(text);
    connection_.queue_text(text);
    return SendAwaiter{connection_};
}

bool WebSocket::deliver(const Message& message) {
    connection_.accept();
    wire::PreparedMessage prepared{message};
    return connection_.deliver(prepared);
}

bool WebSocket::is_full() const noexcept { return connection_.is_full(); }

WebSocket::ClosedAwaiter WebSocket::closed() { return ClosedAwaiter{connection_}; }

void WebSocket::close(std::uint16_t code, std::string_view reason) { connection_.start_close(code, reason); }

void WebSocket::accept() { connection_.accept(); }

void WebSocket::accept(const AcceptOptions& options) {
    internal::require(connection_.opening() != nullptr, "accept(): the handshake has been answered");
    connection_.accept(options);
}

void WebSocket::refuse(int status, std::string_view text) { refuse(Response::text(std::string{text}, status)); }

void WebSocket::refuse(const Response& response) {
    internal::require(connection_.opening() != nullptr, "refuse(): the handshake has been answered");
    internal::require(!response.body_stream, "refuse(): the answer to a handshake is not streamed");
    connection_.refuse(response);
    connection_.forget_opening();
}

const Request& WebSocket::request() const {
    internal::require(connection_.opening() != nullptr,
                      "request(): the handshake has been answered, and its request is gone");
    return connection_.opening()->request;
}

std::span<const std::string> WebSocket::offered_subprotocols() const {
    internal::require(connection_.opening() != nullptr,
                      "offered_subprotocols(): the handshake has been answered, and its request is gone");
    return connection_.opening()->offered_subprotocols();
}

std::string_view WebSocket::subprotocol() const noexcept { return connection_.subprotocol(); }

bool WebSocket::is_compressed() const noexcept { return connection_.is_compressed(); }

bool WebSocket::is_open() const noexcept { return connection_.is_open(); }

const CloseInfo& WebSocket::close_info() const noexcept { return connection_.close_info(); }

WebSocketHandle WebSocket::handle() const { return connection_.handle(); }

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
    internal::require(!connection_.has_receiver(), "recv(): another recv() is pending on this WebSocket");
    return connection_.has_message() || !connection_.is_open() || stop_requested();
}

void WebSocket::RecvAwaiter::await_suspend(std::coroutine_handle<> task) {
    connection_.wait_for_message(*this);
    suspend(task);
}

std::optional<Message> WebSocket::RecvAwaiter::await_resume() {
    connection_.stop_waiting(*this);
    throw_if_stopped();
    if (!connection_.has_message()) {
        return std::nullopt;
    }
    return connection_.take_message();
}

void WebSocket::RecvAwaiter::on_stop() noexcept {
    connection_.stop_waiting(*this);
    resume();
}

bool WebSocket::RecvAwaiter::on_interrupt() noexcept {
    on_stop();
    return true;
}

// ---- send()

bool WebSocket::SendAwaiter::await_ready() const noexcept {
    return !connection_.is_full() || !connection_.is_open() || stop_requested();
}

void WebSocket::SendAwaiter::await_suspend(std::coroutine_handle<> task) {
    connection_.wait_for_room(*this);
    suspend(task);
}

void WebSocket::SendAwaiter::await_resume() const {
    throw_if_stopped();
    if (!connection_.is_open()) {
        throw ConnectionClosed{};
    }
}

void WebSocket::SendAwaiter::on_stop() noexcept {
    connection_.stop_waiting(*this);
    resume();
}

bool WebSocket::SendAwaiter::on_interrupt() noexcept {
    on_stop();
    return true;
}

// ---- closed()

bool WebSocket::ClosedAwaiter::await_ready() const noexcept { return !connection_.is_open() || stop_requested(); }

void WebSocket::ClosedAwaiter::await_suspend(std::coroutine_handle<> task) {
    connection_.wait_for_close(*this);
    suspend(task);
}

void WebSocket::ClosedAwaiter::on_stop() noexcept {
    connection_.stop_waiting(*this);
    resume();
}

bool WebSocket::ClosedAwaiter::on_interrupt() noexcept {
    on_stop();
    return true;
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

// ---- WebSocketHandle

bool WebSocketHandle::send(Message message) const {
    if (!table_) {
        return false;
    }
    if (Loop* loop = Loop::current_if_any(); loop != nullptr && loop->job_queue().get() == &table_->jobs()) {
        const WebSocketConnection* connection = table_->find(slot_, generation_);
        if (connection == nullptr || !connection->is_open()) {
            return false;
        }
    }
    const std::size_t bytes = sizeof message + message.size();
    return table_->jobs().has_room_for(bytes) &&
           table_->jobs().post_call(
               [table = table_.get(), slot = slot_, generation = generation_, message = std::move(message)] {
                   if (auto* connection = table->find(slot, generation)) {
                       wire::PreparedMessage prepared{message};
                       connection->deliver(prepared);
                   }
               },
               bytes);
}

void WebSocketHandle::close(std::uint16_t code, std::string reason) const {
    wire::check_close(code, reason);  // here, where the caller learns of it
    if (table_) {
        table_->jobs().post_call(
            [table = table_.get(), slot = slot_, generation = generation_, code, reason = std::move(reason)] {
                if (WebSocketConnection* connection = table->find(slot, generation)) {
                    connection->close_for_others(code, reason);
                }
            });
    }
}

}  // namespace c10k
