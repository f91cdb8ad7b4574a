#include "testkit/memory_backend.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

// How long a wait for another thread may really take.
constexpr int kPatienceMs = 10000;

Address localhost(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return Address{reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

}  // namespace

MemoryBackend::MemoryBackend() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_ < 0) {
        throw std::system_error(errno, std::system_category(), "eventfd");
    }
}

MemoryBackend::~MemoryBackend() { ::close(wake_); }

void MemoryBackend::advance(Duration time) noexcept {
    now_ += std::chrono::ceil<std::chrono::milliseconds>(time).count();
}

// ---- Sockets

SocketId MemoryBackend::add(Kind kind, const Address& address) {
    std::uint32_t slot = 0;
    if (free_.empty()) {
        slot = static_cast<std::uint32_t>(sockets_.size());
        sockets_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    Socket& socket = sockets_[slot];
    socket.kind = kind;
    socket.address = address;
    return {slot, socket.generation};
}

MemoryBackend::Socket* MemoryBackend::find(SocketId socket) noexcept {
    if (socket.slot >= sockets_.size()) {
        return nullptr;
    }
    Socket& found = sockets_[socket.slot];
    return found.kind != Kind::kFree && found.generation == socket.generation ? &found : nullptr;
}

void MemoryBackend::free(SocketId id) {
    Socket& socket = sockets_[id.slot];
    const std::uint32_t next_generation = socket.generation + 1;
    socket = Socket{};
    socket.generation = next_generation;
    free_.push_back(id.slot);
}

void MemoryBackend::lose(Socket& socket, int error) {
    socket.incoming.clear();
    socket.failure = {error, std::system_category()};
}

SocketId MemoryBackend::listen(const Address& address, const ListenOptions& options, ListenerEvents& events) {
    const std::uint16_t port = address.port() != 0 ? address.port() : next_port_++;
    for (const Socket& socket : sockets_) {
        if (options.port_use == PortUse::kAlone && socket.kind == Kind::kListener && socket.address.port() == port) {
            throw std::system_error(EADDRINUSE, std::system_category(), "listen");
        }
    }
    const SocketId id = add(Kind::kListener, localhost(port));
    sockets_[id.slot].listener_events = &events;
    sockets_[id.slot].receiving = true;
    return id;
}

Address MemoryBackend::local_address(SocketId socket) const { return sockets_[socket.slot].address; }

void MemoryBackend::pause_accepting(SocketId listener) { stop_receiving(listener); }

void MemoryBackend::resume_accepting(SocketId listener) { start_receiving(listener); }

SocketId MemoryBackend::connect(const Address& to, const Address& /*from*/) {
    const SocketId dialling = add(Kind::kDialling, localhost(next_port_++));
    for (Socket& listener : sockets_) {
        if (listener.kind == Kind::kListener && listener.address.port() == to.port()) {
            const SocketId accepted = add(Kind::kConnected, listener.address);
            sockets_[accepted.slot].peer = dialling;
            sockets_[dialling.slot].peer = accepted;
            listener.unaccepted.push_back(accepted);
            return dialling;
        }
    }
    sockets_[dialling.slot].failure = {ECONNREFUSED, std::system_category()};
    return dialling;
}

void MemoryBackend::attach(SocketId socket, SocketEvents& events) {
    if (Socket* found = find(socket)) {
        found->events = &events;
    }
}

void MemoryBackend::start_receiving(SocketId socket) {
    if (Socket* found = find(socket)) {
        found->receiving = true;
    }
}

void MemoryBackend::stop_receiving(SocketId socket) {
    if (Socket* found = find(socket)) {
        found->receiving = false;
    }
}

void MemoryBackend::send(SocketId socket, std::span<const iovec> bytes) {
    Socket* found = find(socket);
    if (found == nullptr) {
        return;
    }
    if (found->blocked || !found->unanswered.empty()) {
        throw std::logic_error("send(): another send() on this socket is unanswered");
    }
    if (found->finished || found->kind != Kind::kConnected || found->failure) {
        found->kind = Kind::kFailed;
        found->events->on_failed(found->failure ? found->failure : std::error_code{EPIPE, std::system_category()});
    } else if (conditions_.answers_later) {
        found->unanswered.assign(bytes.begin(), bytes.end());
    } else if (const std::size_t taken = take(*found, bytes); taken > 0) {
        found->events->on_sent(taken);
    } else {
        found->blocked = true;
    }
}

std::size_t MemoryBackend::take(Socket& socket, std::span<const iovec> bytes) {
    Socket* peer = find(socket.peer);
    if (peer == nullptr || peer->kind == Kind::kFailed) {
        // Nobody reads them: the answer is a reset, which comes later.
        lose(socket, ECONNRESET);
        std::size_t all = 0;
        for (const iovec& piece : bytes) {
            all += piece.iov_len;
        }
        return all;
    }
    const std::size_t room = conditions_.kernel_bytes - std::min(conditions_.kernel_bytes, peer->incoming.size());
    const std::size_t most = std::min(room, conditions_.send_bytes);
    std::size_t taken = 0;
    for (const iovec& piece : bytes) {
        const std::size_t part = std::min(piece.iov_len, most - taken);
        peer->incoming.append(static_cast<const char*>(piece.iov_base), part);
        taken += part;
    }
    return taken;
}

void MemoryBackend::finish_sending(SocketId socket) {
    if (Socket* found = find(socket)) {
        found->finished = true;
        if (Socket* peer = find(found->peer)) {
            peer->ending = true;
        }
    }
}

void MemoryBackend::close(SocketId socket, std::shared_ptr<const void> /*unsent*/) {
    Socket* found = find(socket);
    if (found == nullptr) {
        return;
    }
    if (Socket* peer = find(found->peer); peer != nullptr && found->kind != Kind::kListener) {
        if (!found->incoming.empty()) {
            lose(*peer, ECONNRESET);
        } else {
            peer->ending = true;
        }
    }
    const std::deque<SocketId> unaccepted = std::move(found->unaccepted);
    free(socket);
    for (const SocketId stranded : unaccepted) {
        reset(stranded);
    }
}

void MemoryBackend::reset(SocketId socket) {
    if (Socket* found = find(socket)) {
        if (Socket* peer = find(found->peer)) {
            lose(*peer, ECONNRESET);
        }
        free(socket);
    }
}

// ---- Events

int MemoryBackend::wait(std::optional<std::int64_t> until) {
    int events = drain_wake() ? 1 : 0;
    const std::size_t count = sockets_.size();
    for (std::uint32_t slot = 0; slot < count; ++slot) {
        // Whoever handles an event may close this socket or any other: each step looks it up again.
        const SocketId id{slot, sockets_[slot].generation};
        using Step = bool (MemoryBackend::*)(SocketId);
        for (const Step step : {&MemoryBackend::accept, &MemoryBackend::connected, &MemoryBackend::answer_send,
                                &MemoryBackend::receive, &MemoryBackend::end, &MemoryBackend::fail}) {
            events += (this->*step)(id) ? 1 : 0;
        }
    }
    if (events > 0) {
        return events;
    }
    if (until) {
        now_ = std::max(now_, *until);
        return 0;
    }
    pollfd woken{wake_, POLLIN, 0};
    if (::poll(&woken, 1, kPatienceMs) == 0) {
        throw std::logic_error("the loop waits, and nothing will ever happen");
    }
    return drain_wake() ? 1 : 0;
}

bool MemoryBackend::accept(SocketId id) {
    bool accepted = false;
    for (Socket* listener = find(id); listener != nullptr && listener->kind == Kind::kListener && listener->receiving &&
                                      !listener->unaccepted.empty();
         listener = find(id)) {
        accepted = true;
        ListenerEvents& events = *listener->listener_events;
        if (conditions_.failing_accepts > 0) {
            --conditions_.failing_accepts;
            listener->receiving = false;
            events.on_accept_failed({EMFILE, std::system_category()});
            continue;
        }
        const SocketId socket = listener->unaccepted.front();
        listener->unaccepted.pop_front();
        const Socket* dialler = find(find(socket)->peer);
        events.on_accepted(socket, dialler != nullptr ? dialler->address : localhost(1));
    }
    return accepted;
}

bool MemoryBackend::connected(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind != Kind::kDialling || socket->failure) {
        return false;
    }
    socket->kind = Kind::kConnected;
    socket->events->on_connected();
    return true;
}

bool MemoryBackend::answer_send(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind != Kind::kConnected || socket->failure) {
        return false;
    }
    if (!socket->unanswered.empty()) {
        const std::size_t taken = take(*socket, socket->unanswered);
        if (taken > 0) {
            socket->unanswered.clear();
            socket->events->on_sent(taken);
        }
        return taken > 0;
    }
    if (socket->blocked) {
        const Socket* peer = find(socket->peer);
        if (peer == nullptr || peer->incoming.size() < conditions_.kernel_bytes) {
            socket->blocked = false;
            socket->events->on_sent(0);
            return true;
        }
    }
    return false;
}

bool MemoryBackend::receive(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind != Kind::kConnected || !socket->receiving || socket->incoming.empty()) {
        return false;
    }
    std::string bytes = socket->incoming.substr(0, conditions_.receive_bytes);
    socket->incoming.erase(0, bytes.size());
    socket->events->on_received(bytes);
    return true;
}

bool MemoryBackend::end(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind != Kind::kConnected || !socket->receiving || !socket->incoming.empty() ||
        !socket->ending || socket->ended || socket->failure) {
        return false;
    }
    socket->ended = true;
    socket->events->on_end();
    return true;
}

bool MemoryBackend::fail(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || socket->kind == Kind::kFailed || !socket->failure || socket->events == nullptr) {
        return false;
    }
    socket->kind = Kind::kFailed;
    socket->events->on_failed(socket->failure);
    return true;
}

bool MemoryBackend::drain_wake() noexcept {
    std::uint64_t ignored = 0;
    return ::read(wake_, &ignored, sizeof ignored) > 0;
}

void MemoryBackend::wake() noexcept {
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
}

}  // namespace c10k
