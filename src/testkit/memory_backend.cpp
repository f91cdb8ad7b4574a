#include "testkit/memory_backend.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <iterator>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace c10k {

using testkit::FaultInjector;

namespace {

Address localhost(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return Address{reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

std::size_t total(std::span<const iovec> bytes) noexcept {
    std::size_t sum = 0;
    for (const iovec& piece : bytes) {
        sum += piece.iov_len;
    }
    return sum;
}

std::string first(std::span<const iovec> bytes, std::size_t size) {
    std::string text;
    for (const iovec& piece : bytes) {
        text.append(static_cast<const char*>(piece.iov_base), std::min(piece.iov_len, size - text.size()));
    }
    return text;
}

}  // namespace

MemoryBackend::MemoryBackend() : MemoryBackend(testkit::FaultInjector{}, nullptr) {}

MemoryBackend::MemoryBackend(testkit::FaultInjector injector, testkit::Trace* trace)
    : injector_(std::move(injector)), trace_(trace), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_ < 0) {
        throw std::system_error(errno, std::system_category(), "eventfd");
    }
}

MemoryBackend::~MemoryBackend() { ::close(wake_); }

void MemoryBackend::advance(Duration time) noexcept {
    now_ += std::chrono::ceil<std::chrono::milliseconds>(time).count();
}

std::chrono::system_clock::time_point MemoryBackend::wall_clock() const noexcept {
    return std::chrono::system_clock::time_point{std::chrono::milliseconds{now_}};
}

void MemoryBackend::note(SocketId socket, std::string_view what, std::string_view bytes) {
    if (trace_ != nullptr) {
        trace_->note(now_, socket.slot, socket.generation, what, bytes);
    }
}

void MemoryBackend::note_sent(SocketId socket, std::span<const iovec> bytes, std::size_t taken) {
    if (trace_ != nullptr) {
        note(socket, "has sent", first(bytes, taken));
    }
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
    const SocketId dialling = add(Kind::kConnecting, localhost(next_port_++));
    const FaultInjector::Dial dialled = injector_.dial(to);
    if (dialled.after_ms == FaultInjector::Dial::kNever) {
        sockets_[dialling.slot].exists_at = FaultInjector::Dial::kNever;
        return dialling;
    }
    sockets_[dialling.slot].exists_at = now_ + dialled.after_ms + injector_.delay();
    sockets_[dialling.slot].kernel_bytes = injector_.kernel_bytes();
    const auto listener = std::find_if(sockets_.begin(), sockets_.end(), [&](const Socket& socket) {
        return socket.kind == Kind::kListener && socket.address.port() == to.port();
    });
    if (listener == sockets_.end() || dialled.refuses || injector_.refuses()) {
        sockets_[dialling.slot].failure = {ECONNREFUSED, std::system_category()};
        return dialling;
    }
    const SocketId accepted = add(Kind::kConnected, listener->address);
    sockets_[accepted.slot].exists_at = now_ + dialled.after_ms + injector_.delay();
    sockets_[accepted.slot].kernel_bytes = injector_.kernel_bytes();
    sockets_[accepted.slot].peer = dialling;
    sockets_[dialling.slot].peer = accepted;
    auto place = listener->unaccepted.end();
    while (injector_.may_reorder_dials() && place != listener->unaccepted.begin() &&
           find(*std::prev(place))->exists_at > sockets_[accepted.slot].exists_at) {
        --place;  // those that take long to connect do not hold up who comes after them
    }
    listener->unaccepted.insert(place, accepted);
    note(dialling, "dials");
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
        found->receives_on = 0;
    }
}

void MemoryBackend::stop_receiving(SocketId socket) {
    if (Socket* found = find(socket); found != nullptr && found->receiving) {
        found->receives_on = injector_.answers_late() ? 2 : 0;
        found->receiving = found->receives_on > 0;
    }
}

// ---- Bytes

std::size_t MemoryBackend::send(SocketId socket, std::span<const iovec> bytes) {
    Socket* found = find(socket);
    if (found == nullptr) {
        return 0;
    }
    if (found->blocked || !found->unanswered.empty()) {
        throw std::logic_error("send(): another send() on this socket is unanswered");
    }
    if (found->finished || found->kind != Kind::kConnected || found->failure) {
        note(socket, "fails to send");
        if (!found->failure) {
            found->failure = {EPIPE, std::system_category()};
        }
        return 0;
    }
    if (injector_.fails_send()) {
        note(socket, "fails to send");
        break_connection(socket, ECONNRESET);
        return 0;
    }
    if (injector_.answers_late()) {
        found->unanswered.assign(bytes.begin(), bytes.end());
        return 0;
    }
    const std::size_t taken = injector_.is_full() ? 0 : take(*found, bytes);
    if (taken > 0) {
        note_sent(socket, bytes, taken);
    } else {
        note(socket, "has no room");
        found->blocked = true;
    }
    return taken;
}

void MemoryBackend::break_connection(SocketId id, int error) {
    Socket& socket = *find(id);
    socket.failure = {error, std::system_category()};
    if (Socket* peer = find(socket.peer); peer != nullptr && !socket.is_silent) {
        travel(*peer, {Arrival::Kind::kReset});
    }
}

std::size_t MemoryBackend::room(Socket& socket) noexcept {
    const std::size_t most = std::min(faults().kernel_bytes, socket.kernel_bytes);
    const Socket* peer = find(socket.peer);
    const bool is_heard = peer != nullptr && !socket.is_silent;
    const std::size_t used = is_heard ? peer->incoming.size() + peer->arriving_bytes : socket.swallowed;
    return most - std::min(most, used);
}

std::size_t MemoryBackend::take(Socket& socket, std::span<const iovec> bytes) {
    Socket* peer = find(socket.peer);
    if (!socket.is_silent && (peer == nullptr || peer->kind == Kind::kFailed)) {
        // The peer reads no more: it answers with a reset, which comes later.
        travel(socket, {Arrival::Kind::kReset});
        return total(bytes);
    }
    const std::size_t most = std::min(room(socket), total(bytes));
    if (most == 0) {
        return 0;
    }
    const std::size_t taken = injector_.part_of_write(most);
    if (socket.is_silent) {
        socket.swallowed += taken;
    } else if (!socket.is_cut_off) {
        send_piece(socket, *peer, first(bytes, taken));
    }
    return taken;
}

void MemoryBackend::send_piece(Socket& socket, Socket& peer, std::string piece) {
    const auto fault = injector_.link_fault();
    if (fault != FaultInjector::LinkFault::kNone) {
        piece.resize(injector_.before_fault(piece.size()));
    }
    travel(peer, {Arrival::Kind::kBytes, std::move(piece)});
    switch (fault) {
        case FaultInjector::LinkFault::kNone: break;
        case FaultInjector::LinkFault::kReset:
            travel(peer, {Arrival::Kind::kReset});
            travel(socket, {Arrival::Kind::kReset});
            break;
        case FaultInjector::LinkFault::kHalfClose:
            travel(peer, {Arrival::Kind::kEnd});
            socket.is_cut_off = true;
            break;
        case FaultInjector::LinkFault::kSilence: socket.is_silent = peer.is_silent = true; break;
    }
}

// Puts something on its way. Without a delay it is there at once.
void MemoryBackend::travel(Socket& to, Arrival arrival) {
    arrival.at = now_ + injector_.delay();
    if (!to.arrivals.empty()) {
        arrival.at = std::max(arrival.at, to.arrivals.back().at);
    } else if (arrival.at == now_) {
        arrive(to, std::move(arrival));
        return;
    }
    to.arriving_bytes += arrival.bytes.size();
    to.arrivals.push_back(std::move(arrival));
}

void MemoryBackend::arrive(Socket& at, Arrival arrival) {
    switch (arrival.kind) {
        case Arrival::Kind::kBytes:
            if (!at.failure) {  // else they were sent before the sender heard of it
                at.incoming += arrival.bytes;
            }
            break;
        case Arrival::Kind::kEnd: at.ending = true; break;
        case Arrival::Kind::kReset:
            at.incoming.clear();
            at.failure = {ECONNRESET, std::system_category()};
            break;
    }
}

// ---- The end

void MemoryBackend::shutdown_write(SocketId socket) {
    Socket* found = find(socket);
    if (found == nullptr) {
        return;
    }
    if (found->kind == Kind::kConnected && !found->failure && injector_.fails_finish()) {
        note(socket, "fails to finish");
        break_connection(socket, ENOTCONN);
        return;
    }
    note(socket, "finishes");
    found->finished = true;
    if (Socket* peer = find(found->peer); peer != nullptr && !found->is_silent) {
        travel(*peer, {Arrival::Kind::kEnd});
    }
}

void MemoryBackend::close(SocketId socket, std::shared_ptr<const void> /*unsent*/) {
    Socket* found = find(socket);
    if (found == nullptr) {
        return;
    }
    const bool is_connected = found->kind == Kind::kConnected;
    const bool fails_now = is_connected && injector_.fails_close();
    if (fails_now || (is_connected && found->failure)) {
        count_failure_after_close();
    }
    note(socket, fails_now ? "fails to close" : "is closed");
    if (Socket* peer = find(found->peer); peer != nullptr && !found->is_silent) {
        const bool is_unread = !found->incoming.empty() || found->arriving_bytes > 0;
        travel(*peer, {is_unread || fails_now ? Arrival::Kind::kReset : Arrival::Kind::kEnd});
    }
    const std::deque<SocketId> unaccepted = std::move(found->unaccepted);
    free(socket);
    for (const SocketId stranded : unaccepted) {
        reset(stranded);
    }
}

void MemoryBackend::reset(SocketId socket) {
    if (Socket* found = find(socket)) {
        note(socket, "is reset");
        if (Socket* peer = find(found->peer); peer != nullptr && !found->is_silent) {
            travel(*peer, {Arrival::Kind::kReset});
        }
        free(socket);
    }
}

}  // namespace c10k
