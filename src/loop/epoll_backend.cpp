#include "loop/epoll_backend.hpp"

#include "c10k/internal/require.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

constexpr std::size_t kReceiveBytes = 256 * 1024;
constexpr int kEventsAtOnce = 1024;
// One listener must not starve the connections that are already here.
constexpr int kAcceptsAtOnce = 256;
constexpr std::uint32_t kNone = 0xffffffff;
// No slot has this generation: by it, epoll reports the eventfd of wake(), and descriptors that are not ours.
constexpr std::uint32_t kNoGeneration = 0xffffffff;
constexpr std::uint64_t kWakeTag = ~std::uint64_t{0};

std::uint64_t tag(SocketId socket) noexcept { return std::uint64_t{socket.generation} << 32 | socket.slot; }

}  // namespace

std::size_t EpollBackend::capacity() const noexcept { return socket_file_limit(); }

EpollBackend::EpollBackend()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), first_free_(kNone),
      buffer_(new char[kReceiveBytes]), heard_(steady_milliseconds()) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWakeTag;
    if (epoll_ < 0 || wake_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) < 0) {
        throw_errno("epoll");
    }
}

EpollBackend::~EpollBackend() {
    for (const Slot& slot : slots_) {
        if (slot.kind != Kind::kFree) {
            ::close(slot.fd);
        }
    }
    ::close(wake_);
    ::close(epoll_);
}

SocketId EpollBackend::add(int fd, Kind kind) {
    std::uint32_t index = first_free_;
    if (index == kNone) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
        slots_[index].generation = 0;
    } else {
        first_free_ = slots_[index].next_free;
    }
    Slot& slot = slots_[index];
    slot.socket_events = nullptr;
    slot.fd = fd;
    slot.interest = 0;
    slot.kind = kind;
    slot.receiving = false;
    slot.blocked = false;
    slot.ended = false;
    slot.failure = 0;
    const SocketId id{index, slot.generation};
    epoll_event event{};
    event.data.u64 = tag(id);
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0) {
        const int error = errno;
        close(id, nullptr);
        errno = error;
        throw_errno("epoll_ctl");
    }
    return id;
}

EpollBackend::Slot* EpollBackend::find(SocketId socket) noexcept {
    if (socket.slot >= slots_.size()) {
        return nullptr;
    }
    Slot& slot = slots_[socket.slot];
    return slot.kind != Kind::kFree && slot.generation == socket.generation ? &slot : nullptr;
}

void EpollBackend::update(std::uint32_t index) {
    Slot& slot = slots_[index];
    std::uint32_t interest = 0;
    if (slot.receiving && !slot.ended) {
        interest |= EPOLLIN;
    }
    if (slot.blocked || slot.kind == Kind::kConnecting) {
        interest |= EPOLLOUT;
    }
    if (interest == slot.interest) {
        return;
    }
    slot.interest = interest;
    epoll_event event{};
    event.events = interest;
    event.data.u64 = tag({index, slot.generation});
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, slot.fd, &event);
}

SocketId EpollBackend::listen(const Address& address, const ListenOptions& options, ListenerEvents& events) {
    int descriptor = options.inherited;
    if (descriptor >= 0) {
        prepare_inherited(descriptor, Blocking::kNo);
    } else {
        descriptor = open_listener(address, options.backlog, options.port_use, Blocking::kNo);
    }
    limit_unsent(descriptor, options.unsent_bytes);
    limit_silence(descriptor, options.keepalive);
    const SocketId id = add(descriptor, Kind::kListener);
    slots_[id.slot].listener_events = &events;
    listening_[id.slot] = local_address_of(descriptor);
    resume_accepting(id);
    return id;
}

Address EpollBackend::local_address(SocketId socket) const { return local_address_of(slots_[socket.slot].fd); }

void EpollBackend::pause_accepting(SocketId listener) { stop_receiving(listener); }

void EpollBackend::resume_accepting(SocketId listener) { start_receiving(listener); }

SocketId EpollBackend::connect(const Address& to, const Address& from) {
    const int fd = open_dialling(to, from, Blocking::kNo);
    if (::connect(fd, to.get(), to.size()) < 0 && errno != EINPROGRESS) {
        const int error = errno;
        ::close(fd);
        errno = error;
        throw_errno("connect");
    }
    const SocketId id = add(fd, Kind::kConnecting);
    update(id.slot);
    return id;
}

void EpollBackend::attach(SocketId socket, SocketEvents& events) {
    if (Slot* slot = find(socket)) {
        slot->socket_events = &events;
    }
}

void EpollBackend::start_receiving(SocketId socket) {
    if (Slot* slot = find(socket)) {
        slot->receiving = true;
        update(socket.slot);
    }
}

void EpollBackend::stop_receiving(SocketId socket) {
    if (Slot* slot = find(socket)) {
        slot->receiving = false;
        update(socket.slot);
    }
}

std::size_t EpollBackend::send(SocketId socket, std::span<const iovec> bytes) {
    Slot* slot = find(socket);
    if (slot == nullptr) {
        return 0;
    }
    ssize_t sent = 0;
    do {
        if (bytes.size() == 1) {
            sent = ::send(slot->fd, bytes[0].iov_base, bytes[0].iov_len, MSG_NOSIGNAL);
        } else {
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(bytes.data());
            message.msg_iovlen = bytes.size();
            sent = ::sendmsg(slot->fd, &message, MSG_NOSIGNAL);
        }
    } while (sent < 0 && errno == EINTR);
    if (sent > 0) {
        return static_cast<std::size_t>(sent);
    }
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
        slot->failure = static_cast<std::uint8_t>(errno);  // to epoll, such a socket is always writable
    }
    slot->blocked = true;
    update(socket.slot);
    return 0;
}

void EpollBackend::shutdown_write(SocketId socket) {
    if (Slot* slot = find(socket)) {
        ::shutdown(slot->fd, SHUT_WR);  // of a connection that is lost already, epoll tells by itself
    }
}

void EpollBackend::close(SocketId socket, std::shared_ptr<const void> /*unsent*/) {
    if (Slot* slot = find(socket)) {
        if (slot->kind == Kind::kListener) {
            // A listener that other processes have, too, would stay in this epoll.
            ::epoll_ctl(epoll_, EPOLL_CTL_DEL, slot->fd, nullptr);
            listening_.erase(socket.slot);
        }
        if (::close(slot->fd) < 0 || slot->failure != 0) {
            count_failure_after_close();
        }
        slot->kind = Kind::kFree;
        ++slot->generation;
        slot->next_free = first_free_;
        first_free_ = socket.slot;
    }
}

std::int64_t EpollBackend::now() const noexcept { return steady_milliseconds(); }

int EpollBackend::wait(std::optional<std::int64_t> until) {
    std::array<epoll_event, kEventsAtOnce> events;
    int timeout_ms = -1;
    if (deliver_ready()) {
        timeout_ms = 0;
    } else if (until) {
        constexpr std::int64_t kLongest = 1 << 30;
        timeout_ms = static_cast<int>(std::clamp(*until == 0 ? 0 : *until - now(), std::int64_t{0}, kLongest));
    }
    const std::int64_t began = steady_microseconds();
    heard_.begin(began / 1000);
    delay()->note_look(began);
    if (timeout_ms != 0) {
        delay()->note_asleep();
    }
    int others = 0;
    const int count = ::epoll_wait(epoll_, events.data(), kEventsAtOnce, timeout_ms);
    if (timeout_ms != 0) {
        delay()->note_woken(steady_microseconds());
    }
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kWakeTag) {
            std::uint64_t ignored = 0;
            (void)!::read(wake_, &ignored, sizeof ignored);
            continue;
        }
        const SocketId id{static_cast<std::uint32_t>(event.data.u64), static_cast<std::uint32_t>(event.data.u64 >> 32)};
        if (id.generation == kNoGeneration) {
            deliver(static_cast<int>(id.slot), event.events);
            ++others;
            continue;
        }
        // The handler of an earlier event may have closed this socket: look it up again after every call.
        Slot* slot = find(id);
        if (slot == nullptr) {
            continue;
        }
        if (slot->kind == Kind::kListener) {
            accept(id);
            continue;
        }
        if (slot->kind == Kind::kConnecting) {
            connected(id);
            continue;
        }
        if ((event.events & EPOLLOUT) != 0 && slot->blocked && slot->failure == 0) {
            slot->blocked = false;
            update(id.slot);
            slot->socket_events->on_sent(0);
            slot = find(id);
        }
        if (slot != nullptr && (event.events & EPOLLIN) != 0 && slot->receiving) {
            receive(id);
            slot = find(id);
        }
        // epoll reports errors even to sockets that do not receive. Read first whatever can still be read.
        const bool is_lost = slot != nullptr && ((event.events & (EPOLLERR | EPOLLHUP)) != 0 || slot->failure != 0);
        if (is_lost && (event.events & EPOLLIN) == 0) {
            int error = slot->failure;
            socklen_t size = sizeof error;
            if (error == 0) {
                ::getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &size);
            }
            fail(id, error != 0 ? error : EPIPE);
        }
    }
    // Sockets that did not fit into `events` come before all others in the next wait().
    const bool has_all = count >= 0 && count < kEventsAtOnce;
    heard_.end(static_cast<std::size_t>(std::max(count, 0)), has_all && !std::exchange(has_more_, false),
               slots_.size());
    return std::max(count, 0) - others;
}

// ---- Descriptors of others

void EpollBackend::watch(int descriptor, internal::Readiness wanted, internal::DescriptorEvents& events) {
    Watched& watched = watched_[descriptor];
    internal::DescriptorEvents*& place = watched.events[static_cast<std::size_t>(wanted)];
    internal::require(place == nullptr, wanted == internal::Readiness::kReadable
                                            ? "readable(): another task waits to read from this descriptor"
                                            : "writable(): another task waits to write to this descriptor");
    place = &events;
    const int error = ask(descriptor, watched);
    if (error == EPERM) {  // a regular file or a folder
        ready_.push_back(descriptor);
    } else if (error != 0) {
        place = nullptr;
        throw std::system_error(error, std::system_category(), "epoll_ctl");
    }
}

void EpollBackend::unwatch(int descriptor, internal::Readiness wanted) noexcept {
    Watched& watched = watched_[descriptor];
    watched.events[static_cast<std::size_t>(wanted)] = nullptr;
    ask(descriptor, watched);
}

int EpollBackend::ask(int descriptor, Watched& watched) noexcept {
    epoll_event event{};
    if (watched.events[0] == nullptr && watched.events[1] == nullptr) {
        // No interest would not be enough: epoll reports errors even so.
        if (std::exchange(watched.is_registered, false)) {
            ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, &event);
        }
        return 0;
    }
    event.events =
        EPOLLONESHOT | (watched.events[0] != nullptr ? EPOLLIN : 0U) | (watched.events[1] != nullptr ? EPOLLOUT : 0U);
    event.data.u64 = tag({static_cast<std::uint32_t>(descriptor), kNoGeneration});
    int result = ::epoll_ctl(epoll_, watched.is_registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event);
    if (result < 0 && (errno == ENOENT || errno == EEXIST)) {  // another file has this number now
        result = ::epoll_ctl(epoll_, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event);
    }
    watched.is_registered = result == 0;
    return result == 0 ? 0 : errno;
}

void EpollBackend::deliver(int descriptor, std::uint32_t events) {
    const bool is_over = (events & (EPOLLERR | EPOLLHUP)) != 0;
    const std::array is_ready{is_over || (events & EPOLLIN) != 0, is_over || (events & EPOLLOUT) != 0};
    Watched& watched = watched_.at(descriptor);
    std::array<internal::DescriptorEvents*, 2> heard{};
    for (std::size_t i = 0; i < heard.size(); ++i) {
        if (is_ready[i]) {
            heard[i] = std::exchange(watched.events[i], nullptr);
        }
    }
    if (watched.events[0] != nullptr || watched.events[1] != nullptr) {
        ask(descriptor, watched);  // for the other one, who waits on
    }
    for (internal::DescriptorEvents* one : heard) {
        if (one != nullptr) {
            one->on_ready(0);
        }
    }
}

bool EpollBackend::deliver_ready() {
    const std::vector<int> ready = std::exchange(ready_, {});
    for (const int descriptor : ready) {
        deliver(descriptor, EPOLLIN | EPOLLOUT);
    }
    return !ready.empty();
}

void EpollBackend::fail(SocketId socket, int error) {
    Slot& slot = slots_[socket.slot];
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, slot.fd, nullptr);
    slot.failure = 0;
    slot.socket_events->on_failed({error, std::system_category()});
}

void EpollBackend::accept(SocketId listener) {
    for (int i = 0; i < kAcceptsAtOnce; ++i) {
        const Slot* slot = find(listener);
        if (slot == nullptr || !slot->receiving) {
            return;
        }
        if (is_full_ && (is_full_ = sockets_have_all(wake_))) {
            pause_accepting(listener);
            slots_[listener.slot].listener_events->on_accept_failed({EMFILE, std::system_category()});
            return;
        }
        sockaddr_storage storage{};
        socklen_t size = sizeof storage;
        const int fd = ::accept4(slot->fd, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (out_of_resources(errno)) {
                const std::error_code error{errno, std::system_category()};
                pause_accepting(listener);
                slots_[listener.slot].listener_events->on_accept_failed(error);
                return;
            }
            if (errno == EAGAIN) {
                return;
            }
            continue;  // ECONNABORTED and the like concern one peer, which has gone
        }
        is_full_ = static_cast<std::size_t>(fd) >= capacity();
        ListenerEvents& events = *slot->listener_events;
        SocketId accepted;
        try {
            accepted = add(fd, Kind::kSocket);
        } catch (const std::system_error& error) {
            pause_accepting(listener);
            events.on_accept_failed(error.code());
            return;
        }
        events.on_accepted(accepted, Address{reinterpret_cast<const sockaddr*>(&storage), size},
                           local_address_of_accepted(fd, listening_.at(listener.slot)));
    }
}

void EpollBackend::connected(SocketId socket) {
    Slot& slot = slots_[socket.slot];
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(slot.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    slot.kind = Kind::kSocket;
    update(socket.slot);
    if (error != 0) {
        fail(socket, error);
    } else {
        slot.socket_events->on_connected();
    }
}

void EpollBackend::receive(SocketId socket) {
    Slot& slot = slots_[socket.slot];
    const ssize_t received = ::recv(slot.fd, buffer_.get(), kReceiveBytes, 0);
    if (received > 0) {
        has_more_ = has_more_ || received == kReceiveBytes;
        slot.socket_events->on_received({buffer_.get(), static_cast<std::size_t>(received)});
    } else if (received == 0 && slot.failure != 0) {
        fail(socket, slot.failure);  // the failed send has already consumed the kernel's error
    } else if (received == 0) {
        slot.ended = true;
        update(socket.slot);
        slot.socket_events->on_end();
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(socket, errno);
    }
}

void EpollBackend::wake() noexcept {
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
}

}  // namespace c10k
