// The events of a network in memory: its wait(), step by step.
#include "testkit/memory_backend.hpp"
#include "testkit/patience.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace c10k {

int MemoryBackend::wait(std::optional<std::int64_t> until) {
    now_ += injector_.pause();
    heard_.begin(now_);
    bring_arrivals();
    held_back_ = false;
    has_more_ = false;
    const int events = deliver();
    heard_.end(static_cast<std::size_t>(events), !held_back_ && !has_more_, sockets_.size());
    if (events > 0 || held_back_) {
        now_ += injector_.pause();  // with what has come meanwhile unread
        return events;
    }
    const auto next = next_arrival();
    if (until || next) {
        now_ = std::max(now_, std::min(until.value_or(INT64_MAX), next.value_or(INT64_MAX)));
        now_ += injector_.pause();
        return 0;
    }
    pollfd woken{wake_, POLLIN, 0};
    const auto patience = injector_.is_seeded() ? std::chrono::milliseconds{0} : testkit::kPatience;
    if (::poll(&woken, 1, static_cast<int>(patience.count())) == 0) {
        throw Deadlock{};
    }
    woken_ = true;  // if that has been seen, and the descriptor has not
    return drain_wake() ? 1 : 0;
}

int MemoryBackend::deliver() {
    using Step = bool (MemoryBackend::*)(SocketId);
    static constexpr std::array<Step, 6> kSteps{&MemoryBackend::accept,      &MemoryBackend::connected,
                                                &MemoryBackend::answer_send, &MemoryBackend::receive,
                                                &MemoryBackend::end,         &MemoryBackend::fail};
    int events = drain_wake() ? 1 : 0;
    for (const std::uint32_t slot : injector_.order(sockets_.size())) {
        // The handler of an event may close this socket or any other: each step looks it up again.
        const SocketId id{slot, sockets_[slot].generation};
        if (!may_have_events(sockets_[slot])) {
            continue;
        }
        const std::size_t first = injector_.first_of(kSteps.size());
        for (std::size_t i = 0; i < kSteps.size(); ++i) {
            events += (this->*kSteps[(first + i) % kSteps.size()])(id) ? 1 : 0;
        }
    }
    return events;
}

void MemoryBackend::bring_arrivals() {
    for (Socket& socket : sockets_) {
        while (!socket.arrivals.empty() && socket.arrivals.front().at <= now_) {
            socket.arriving_bytes -= socket.arrivals.front().bytes.size();
            arrive(socket, std::move(socket.arrivals.front()));
            socket.arrivals.pop_front();
        }
        if (socket.receives_on > 0 && --socket.receives_on == 0) {
            socket.receiving = false;
        }
    }
}

std::optional<std::int64_t> MemoryBackend::next_arrival() noexcept {
    std::optional<std::int64_t> next;
    const auto consider = [&next](std::int64_t at) { next = std::min(next.value_or(at), at); };
    for (const Socket& socket : sockets_) {
        if (!socket.arrivals.empty()) {
            consider(socket.arrivals.front().at);
        }
        if (socket.kind == Kind::kConnecting && socket.exists_at > now_ &&
            socket.exists_at != testkit::FaultInjector::Dial::kNever) {
            consider(socket.exists_at);
        }
        if (socket.kind == Kind::kListener && socket.receiving && !socket.unaccepted.empty()) {
            consider(find(socket.unaccepted.front())->exists_at);
        }
    }
    return next;
}

bool MemoryBackend::may_have_events(const Socket& socket) noexcept {
    switch (socket.kind) {
        case Kind::kFree:
        case Kind::kFailed: return false;
        case Kind::kListener: return socket.receiving && !socket.unaccepted.empty();
        case Kind::kConnecting: return true;
        case Kind::kConnected: break;
    }
    return socket.blocked || !socket.unanswered.empty() || socket.failure ||
           (socket.receiving && (!socket.incoming.empty() || socket.ending));
}

bool MemoryBackend::holds_back() noexcept {
    const bool does = injector_.holds_back();
    held_back_ = held_back_ || does;
    return does;
}

bool MemoryBackend::accept(SocketId id) {
    bool accepted = false;
    for (Socket* listener = find(id); listener != nullptr && listener->kind == Kind::kListener && listener->receiving &&
                                      !listener->unaccepted.empty();
         listener = find(id)) {
        const SocketId socket = listener->unaccepted.front();
        if (find(socket)->exists_at > now_ || holds_back()) {
            break;
        }
        accepted = true;
        ListenerEvents& events = *listener->listener_events;
        if (injector_.fails_accept()) {
            listener->receiving = false;
            note(id, "cannot accept");
            events.on_accept_failed({EMFILE, std::system_category()});
            continue;
        }
        listener->unaccepted.pop_front();
        note(socket, "is accepted");
        const Socket* dialler = find(find(socket)->peer);
        events.on_accepted(socket, dialler != nullptr ? dialler->address : Address{}, Address{listener->address});
    }
    return accepted;
}

bool MemoryBackend::connected(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind != Kind::kConnecting || socket->failure || socket->exists_at > now_ ||
        holds_back()) {
        return false;
    }
    socket->kind = Kind::kConnected;
    note(id, "is connected");
    socket->events->on_connected();
    return true;
}

bool MemoryBackend::answer_send(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind != Kind::kConnected || socket->failure ||
        (!socket->blocked && socket->unanswered.empty()) || room(*socket) == 0 || holds_back()) {
        return false;
    }
    if (socket->blocked) {
        socket->blocked = false;
        note(id, "has room");
        socket->events->on_sent(0);
        return true;
    }
    const std::vector<iovec> bytes = std::move(socket->unanswered);
    socket->unanswered.clear();
    const std::size_t taken = take(*socket, bytes);
    note_sent(id, bytes, taken);
    socket->events->on_sent(taken);
    return true;
}

bool MemoryBackend::receive(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind != Kind::kConnected || !socket->receiving || socket->incoming.empty() ||
        holds_back()) {
        return false;
    }
    std::string bytes = socket->incoming.substr(0, injector_.part_of_read(socket->incoming.size()));
    socket->incoming.erase(0, bytes.size());
    has_more_ = has_more_ || !socket->incoming.empty();
    note(id, "receives", bytes);
    socket->events->on_received(bytes);
    return true;
}

bool MemoryBackend::end(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind != Kind::kConnected || !socket->receiving || !socket->incoming.empty() ||
        !socket->ending || socket->ended || socket->failure || holds_back()) {
        return false;
    }
    socket->ended = true;
    note(id, "hears the end");
    socket->events->on_end();
    return true;
}

bool MemoryBackend::fail(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind == Kind::kFailed || !socket->failure || socket->events == nullptr ||
        socket->exists_at > now_ || holds_back()) {
        return false;
    }
    socket->kind = Kind::kFailed;
    note(id, "fails");
    socket->events->on_failed(socket->failure);
    return true;
}

bool MemoryBackend::drain_wake() noexcept {
    std::uint64_t ignored = 0;
    return woken_.exchange(false) && ::read(wake_, &ignored, sizeof ignored) > 0;
}

void MemoryBackend::wake() noexcept {
    woken_ = true;
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
}

}  // namespace c10k
