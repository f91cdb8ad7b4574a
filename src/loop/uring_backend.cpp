#include "loop/uring_backend.hpp"

#include "c10k/internal/require.hpp"
#include "loop/ring.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <new>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::size_t kMaxRings = 1024;

// The id of an operation in its completions: the slot, and in the lowest byte the kind of operation.
constexpr unsigned kOperationBits = 8;

}  // namespace

UringBackend::UringBackend() : UringBackend(RingFeatures{}) {}

UringBackend::UringBackend(const RingFeatures& wanted)
    : first_free_(kNone), heard_(steady_milliseconds()), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_ < 0) {
        throw_errno("eventfd");
    }
    try {
        rings_.push_back(std::make_unique<Ring>(wanted));
    } catch (...) {
        ::close(wake_);
        throw;
    }
    arm_wake();
}

UringBackend::~UringBackend() {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].kind != Kind::kFree && slots_[i].kind != Kind::kClosing) {
            close({i, slots_[i].generation});
        }
    }
    for (Poll& poll : polls_) {
        poll.events = nullptr;
    }
    // Operations in progress point into this object.
    const auto is_free = [](const Slot& slot) { return slot.kind == Kind::kFree; };
    while (!std::all_of(slots_.begin(), slots_.end(), is_free)) {
        wait(now() + 1);
    }
    rings_.clear();
    ::close(wake_);
}

std::size_t UringBackend::capacity() const noexcept { return kMaxRings * Ring::most_files(); }

// ---- Slots

SocketId UringBackend::add(Kind kind) {
    std::uint32_t index = first_free_;
    if (index == kNone) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
        slots_[index].generation = 0;
    } else {
        first_free_ = slots_[index].next_free;
    }
    Slot& slot = slots_[index];
    const std::uint32_t generation = slot.generation;
    slot = {};
    slot.generation = generation;
    slot.kind = kind;
    return {index, generation};
}

SocketId UringBackend::adopt(int descriptor, Kind kind) {
    std::size_t ring = 0;
    while (ring < rings_.size() && !rings_[ring]->has_room()) {
        ++ring;
    }
    if (ring == rings_.size()) {
        if (ring == kMaxRings) {
            throw std::system_error(ENFILE, std::system_category(), "io_uring: too many rings");
        }
        if (sockets_have_all(wake_)) {
            throw std::system_error(EMFILE, std::system_category(), "io_uring: no descriptor for another ring");
        }
        auto made = std::make_unique<Ring>(rings_.front()->features());
        made->register_wake(wake_);
        rings_.push_back(std::move(made));
    }
    const unsigned file = rings_[ring]->adopt(descriptor);
    const SocketId id = add(kind);
    slots_[id.slot].ring = static_cast<std::uint16_t>(ring);
    slots_[id.slot].file = file;
    slots_[id.slot].is_direct = true;
    return id;
}

UringBackend::Slot* UringBackend::find(SocketId socket) noexcept {
    if (socket.slot >= slots_.size()) {
        return nullptr;
    }
    Slot& slot = slots_[socket.slot];
    const bool is_open = slot.kind != Kind::kFree && slot.kind != Kind::kClosing;
    return is_open && slot.generation == socket.generation ? &slot : nullptr;
}

void UringBackend::free(std::uint32_t index) noexcept {
    Slot& slot = slots_[index];
    unsent_.erase(index);
    if (slot.is_direct) {
        // Wait until every operation is done: one that runs on a thread of the kernel (a shutdown) looks its file up
        // late, and would find the next socket with this index.
        ring_of(index).release(slot.file);
    }
    slot.kind = Kind::kFree;
    slot.next_free = first_free_;
    first_free_ = index;
}

// ---- Calls of the loop

SocketId UringBackend::listen(const Address& address, const ListenOptions& options, ListenerEvents& events) {
    int descriptor = options.inherited;
    if (descriptor >= 0) {
        prepare_inherited(descriptor, Blocking::kYes);
    } else {
        descriptor = open_listener(address, options.backlog, options.port_use, Blocking::kYes);
    }
    limit_unsent(descriptor, options.unsent_bytes);
    limit_silence(descriptor, options.keepalive);
    const SocketId id = add(Kind::kListener);
    slots_[id.slot].is_inherited = options.inherited >= 0;
    slots_[id.slot].file = static_cast<std::uint32_t>(descriptor);
    slots_[id.slot].listener_events = &events;
    listening_[id.slot] = local_address_of(descriptor);
    resume_accepting(id);
    return id;
}

Address UringBackend::local_address(SocketId socket) const {
    return local_address_of(static_cast<int>(slots_[socket.slot].file));
}

void UringBackend::pause_accepting(SocketId listener) { stop_receiving(listener); }

void UringBackend::resume_accepting(SocketId listener) {
    is_short_ = false;
    start_receiving(listener);
}

void UringBackend::leave_accepting(SocketId listener) {
    if (Slot* slot = find(listener)) {
        slot->is_leaving = slot->is_inherited;
    }
    stop_receiving(listener);
}

SocketId UringBackend::connect(const Address& to, const Address& from) {
    const int descriptor = open_dialling(to, from, Blocking::kYes);
    SocketId id;
    try {
        id = adopt(descriptor, Kind::kConnecting);
    } catch (...) {
        ::close(descriptor);
        throw;
    }
    Ring& ring = ring_of(id.slot);
    io_uring_sqe& entry = ring.prepare();
    sockaddr_storage& address = ring.address_for_entry();
    std::copy_n(reinterpret_cast<const char*>(to.get()), to.size(), reinterpret_cast<char*>(&address));
    ::io_uring_prep_connect(&entry, static_cast<int>(slots_[id.slot].file), reinterpret_cast<const sockaddr*>(&address),
                            to.size());
    start(id.slot, entry, Operation::kConnect);
    return id;
}

void UringBackend::attach(SocketId socket, SocketEvents& events) {
    if (Slot* slot = find(socket)) {
        slot->socket_events = &events;
    }
}

void UringBackend::start_receiving(SocketId socket) {
    if (Slot* slot = find(socket)) {
        slot->receiving = true;
        changed(socket.slot);
    }
}

void UringBackend::stop_receiving(SocketId socket) {
    if (Slot* slot = find(socket)) {
        slot->receiving = false;
        changed(socket.slot);
    }
}

// Takes no bytes yet: wait() submits the send with everything else.
std::size_t UringBackend::send(SocketId socket, std::span<const iovec> bytes) {
    Slot* slot = find(socket);
    if (slot == nullptr) {
        return 0;
    }
    slot->sending = true;
    Ring& ring = ring_of(socket.slot);
    io_uring_sqe& entry = ring.prepare();
    if (bytes.size() == 1) {
        ::io_uring_prep_send(&entry, static_cast<int>(slot->file), bytes[0].iov_base, bytes[0].iov_len, MSG_NOSIGNAL);
    } else {
        ::io_uring_prep_sendmsg(&entry, static_cast<int>(slot->file), &ring.message_for_entry(bytes), MSG_NOSIGNAL);
    }
    start(socket.slot, entry, Operation::kSend);
    return 0;
}

void UringBackend::shutdown_write(SocketId socket) {
    if (Slot* slot = find(socket)) {
        io_uring_sqe& entry = ring_of(socket.slot).prepare();
        ::io_uring_prep_shutdown(&entry, static_cast<int>(slot->file), SHUT_WR);
        start(socket.slot, entry, Operation::kShutdown);
    }
}

// If there is no memory to note these bytes, they stay where they are for ever, because the kernel may still read them.
void UringBackend::keep(std::uint32_t index, std::shared_ptr<const void> unsent) noexcept {
    try {
        unsent_[index] = unsent;
    } catch (const std::bad_alloc&) {
        alignas(std::shared_ptr<const void>) std::array<std::byte, sizeof unsent> never_destroyed;
        new (never_destroyed.data()) std::shared_ptr<const void>{std::move(unsent)};
    }
}

void UringBackend::close(SocketId socket, std::shared_ptr<const void> unsent) {
    Slot* slot = find(socket);
    if (slot == nullptr) {
        return;
    }
    const std::uint32_t index = socket.slot;
    if (slot->watch != Watch::kNothing && !slot->cancelling) {
        cancel(index, watching(*slot));
    }
    if (slot->sending) {
        cancel(index, Operation::kSend);
        keep(index, std::move(unsent));
    }
    if (slot->kind == Kind::kConnecting) {
        cancel(index, Operation::kConnect);
    }
    if (slot->kind == Kind::kListener) {
        std::erase_if(waiting_, [index](const auto& accepted) {
            if (accepted.first == index) {
                ::close(accepted.second);
            }
            return accepted.first == index;
        });
        listening_.erase(index);
        if (!slot->is_inherited) {
            ::shutdown(static_cast<int>(slot->file),
                       SHUT_RDWR);  // at once: an accept in progress holds the socket a little longer
        }
        ::close(static_cast<int>(slot->file));
    } else {
        io_uring_sqe& entry = ring_of(socket.slot).prepare();
        ::io_uring_prep_close_direct(&entry, slot->file);
        start(index, entry, Operation::kClose);
    }
    slot->kind = Kind::kClosing;
    ++slot->generation;
    if (slot->under_way == 0) {
        free(index);
    }
}

std::int64_t UringBackend::now() const noexcept { return steady_milliseconds(); }

void UringBackend::wake() noexcept {
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
}

// ---- Requests to the kernel

void UringBackend::start(std::uint32_t index, io_uring_sqe& entry, Operation operation) {
    Slot& slot = slots_[index];
    ++slot.under_way;
    entry.user_data = std::uint64_t{index} << kOperationBits | static_cast<unsigned>(operation);
    if (slot.kind != Kind::kListener && operation != Operation::kClose) {
        entry.flags |= IOSQE_FIXED_FILE;
    }
}

void UringBackend::cancel(std::uint32_t index, Operation operation) { cancel_in(ring_of(index), index, operation); }

void UringBackend::cancel_in(Ring& ring, std::uint32_t index, Operation operation) {
    io_uring_sqe& entry = ring.prepare();
    const std::uint64_t target = std::uint64_t{index} << kOperationBits | static_cast<unsigned>(operation);
    ::io_uring_prep_cancel64(&entry, target, 0);
    entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
    entry.user_data = static_cast<unsigned>(Operation::kNone);
}

void UringBackend::arm_wake() {
    io_uring_sqe& entry = rings_.front()->prepare();
    ::io_uring_prep_poll_multishot(&entry, wake_, POLLIN);
    entry.user_data = static_cast<unsigned>(Operation::kWake);
}

void UringBackend::changed(std::uint32_t index) {
    if (!slots_[index].is_changed) {
        slots_[index].is_changed = true;
        changed_.push_back(index);
    }
}

void UringBackend::update_watches() {
    for (const std::uint32_t index : changed_) {
        slots_[index].is_changed = false;
        update_watch(index);
    }
    changed_.clear();
}

UringBackend::Watch UringBackend::wanted_watch(const Slot& slot) noexcept {
    if (slot.kind == Kind::kListener) {
        return slot.receiving ? Watch::kInput : Watch::kNothing;
    }
    if (slot.kind != Kind::kSocket || slot.ended || slot.failed) {
        return Watch::kNothing;
    }
    if (slot.receiving) {
        return Watch::kInput;
    }
    return slot.half_open ? Watch::kNothing : Watch::kLoss;
}

UringBackend::Operation UringBackend::watching(const Slot& slot) noexcept {
    if (slot.watch == Watch::kLoss) {
        return Operation::kLoss;
    }
    return slot.kind == Kind::kListener ? Operation::kAccept : Operation::kReceive;
}

// One watch at a time: another begins when the kernel has confirmed the end of the first.
void UringBackend::update_watch(std::uint32_t index) {
    Slot& slot = slots_[index];
    const Watch wanted = wanted_watch(slot);
    if (slot.watch == wanted || slot.cancelling || slot.kind == Kind::kFree || slot.kind == Kind::kClosing) {
        return;
    }
    if (slot.watch != Watch::kNothing) {
        slot.cancelling = true;
        cancel(index, watching(slot));
        return;
    }
    start_watch(index, wanted);
}

void UringBackend::start_watch(std::uint32_t index, Watch wanted) {
    Slot& slot = slots_[index];
    slot.watch = wanted;
    io_uring_sqe& entry = ring_of(index).prepare();
    const int file = static_cast<int>(slot.file);
    if (wanted == Watch::kLoss) {
        ::io_uring_prep_poll_add(&entry, file, 0);  // the kernel reports errors even so
    } else if (slot.kind == Kind::kListener) {
        ::io_uring_prep_multishot_accept(&entry, file, nullptr, nullptr, SOCK_CLOEXEC);
    } else {
        ::io_uring_prep_recv_multishot(&entry, file, nullptr, 0, 0);
        entry.flags |= IOSQE_BUFFER_SELECT;
        entry.buf_group = Ring::kBuffers;
    }
    start(index, entry, watching(slot));
}

// ---- Descriptors of others

void UringBackend::watch(int descriptor, internal::Readiness wanted, internal::DescriptorEvents& events) {
    const bool is_read = wanted == internal::Readiness::kReadable;
    std::uint32_t& waiting = waiting_poll(descriptor, wanted);
    internal::require(waiting == kNoPoll, is_read ? "readable(): another task waits to read from this descriptor"
                                                  : "writable(): another task waits to write to this descriptor");
    if (free_polls_.empty()) {
        free_polls_.reserve(polls_.size() + 1);
        polls_.emplace_back();
        free_polls_.push_back(static_cast<std::uint32_t>(polls_.size() - 1));
    }
    const std::uint32_t index = free_polls_.back();
    free_polls_.pop_back();
    waiting = index;
    polls_[index] = {&events, descriptor, wanted};
    io_uring_sqe& entry = rings_.front()->prepare();
    ::io_uring_prep_poll_add(&entry, descriptor, is_read ? POLLIN : POLLOUT);
    entry.user_data = std::uint64_t{index} << kOperationBits | static_cast<unsigned>(Operation::kPoll);
}

void UringBackend::unwatch(int descriptor, internal::Readiness wanted) noexcept {
    const std::uint32_t index = std::exchange(waiting_poll(descriptor, wanted), kNoPoll);
    polls_[index].events = nullptr;
    cancel_in(*rings_.front(), index, Operation::kPoll);
}

std::uint32_t& UringBackend::waiting_poll(int descriptor, internal::Readiness wanted) {
    const auto [entry, is_new] = waiting_polls_.try_emplace(descriptor, std::array{kNoPoll, kNoPoll});
    return entry->second[static_cast<std::size_t>(wanted)];
}

void UringBackend::polled(std::uint32_t index, int result) {
    const Poll poll = std::exchange(polls_[index], {});
    free_polls_.push_back(index);
    if (poll.events != nullptr) {
        waiting_poll(poll.descriptor, poll.wanted) = kNoPoll;
        poll.events->on_ready(result < 0 ? -result : 0);
    }
}

// ---- Answers of the kernel

int UringBackend::wait(std::optional<std::int64_t> until) {
    const std::int64_t began = steady_microseconds();
    heard_.begin(began / 1000);
    delay()->note_look(began);
    const int adopted = adopt_waiting();
    update_watches();
    const bool may_sleep = adopted == 0 && (!until || (*until != 0 && *until > now()));
    const bool is_due = until && *until != 0 && !may_sleep;
    if (!may_sleep || rings_.size() > 1) {  // else one call submits and sleeps
        for (const auto& ring : rings_) {
            if (is_due || ring->wants_enter()) {
                ring->enter();
            }
        }
    }
    Taken taken = take_completions();
    if (taken.completions == 0 && may_sleep) {
        delay()->note_asleep();
        sleep(until);
        delay()->note_woken(steady_microseconds());
        taken = take_completions();
    }
    // The kernel holds some completions back, and does not always say so (6.18): only a call that brings none is proof.
    // And a receive that has yet to begin may find something.
    const bool is_drained = is_due && taken.completions == 0 && adopted == 0 && changed_.empty();
    const int events = adopted + taken.events;
    heard_.end(static_cast<std::size_t>(events), is_drained, slots_.size());
    return events;
}

// The thread sleeps in the first ring; the others wake it through the eventfd.
void UringBackend::sleep(std::optional<std::int64_t> until) {
    bool has_news = false;
    for (std::size_t i = 1; i < rings_.size(); ++i) {
        rings_[i]->set_notify(Ring::Notify::kYes);
        has_news = has_news || rings_[i]->wants_enter();
    }
    std::optional<std::chrono::milliseconds> time;
    if (until || has_news) {
        time = std::chrono::milliseconds{has_news ? 0 : std::max(*until - now(), std::int64_t{0})};
    }
    rings_.front()->sleep(time);
    for (std::size_t i = 1; i < rings_.size(); ++i) {
        rings_[i]->set_notify(Ring::Notify::kNo);
        if (rings_[i]->wants_enter()) {
            rings_[i]->enter();
        }
    }
}

UringBackend::Taken UringBackend::take_completions() {
    Taken taken;
    for (std::size_t i = 0; i < rings_.size(); ++i) {  // an accepted socket may bring a new ring
        io_uring_cqe completion;
        while (rings_[i]->take(completion)) {
            ++taken.completions;
            taken.events += complete(*rings_[i], completion);
        }
    }
    return taken;
}

int UringBackend::complete(Ring& ring, const io_uring_cqe& completion) {
    const auto operation = static_cast<Operation>(completion.user_data & ((1U << kOperationBits) - 1));
    const auto index = static_cast<std::uint32_t>(completion.user_data >> kOperationBits);
    const int result = completion.res;
    const bool is_last = (completion.flags & IORING_CQE_F_MORE) == 0;
    if (operation == Operation::kNone) {
        return 0;
    }
    if (operation == Operation::kWake) {
        std::uint64_t ignored = 0;
        (void)!::read(wake_, &ignored, sizeof ignored);
        if (is_last) {
            arm_wake();
        }
        return 0;
    }
    if (operation == Operation::kPoll) {
        polled(index, result);
        return 0;
    }
    if (Slot& slot = slots_[index]; is_last) {
        --slot.under_way;
        if (slot.watch != Watch::kNothing && operation == watching(slot)) {
            slot.watch = Watch::kNothing;
            slot.cancelling = false;
            changed(index);
        }
    }
    int events = 0;
    switch (operation) {
        case Operation::kAccept: events = accepted(index, result); break;
        case Operation::kConnect: events = connected(index, result); break;
        case Operation::kReceive:
            if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
                events = received(index, ring.received(completion), result);
                ring.recycle(completion);
            } else {
                events = received(index, {}, result);
            }
            break;
        case Operation::kLoss: events = noticed(index, result); break;
        case Operation::kSend: events = sent(index, result); break;
        case Operation::kClose:
            if (result < 0) {
                count_failure_after_close();
            }
            break;
        default: break;
    }
    if (slots_[index].kind == Kind::kClosing && slots_[index].under_way == 0) {
        free(index);
    }
    if (operation == Operation::kAccept && is_last && (result >= 0 || result == -ECANCELED)) {
        accept_stragglers(index);
    }
    return events;
}

// A cancelled accept loses a wake-up that comes meanwhile, and the kernel wakes no other listener.
void UringBackend::accept_stragglers(std::uint32_t index) {
    Slot& slot = slots_[index];
    if (slot.kind != Kind::kListener || !slot.is_leaving || slot.receiving || slot.watch != Watch::kNothing) {
        return;
    }
    pollfd awaited{static_cast<int>(slot.file), POLLIN, 0};
    if (::poll(&awaited, 1, 0) != 1) {
        return;
    }
    start_watch(index, Watch::kInput);
    slot.cancelling = true;
    cancel(index, Operation::kAccept);
}

int UringBackend::accepted(std::uint32_t index, int result) {
    if (slots_[index].kind != Kind::kListener) {  // closed meanwhile
        if (result >= 0) {
            ::close(result);
        }
        return 0;
    }
    if (result >= 0) {
        waiting_.emplace_back(index, result);
        return adopt_waiting();
    }
    if (!out_of_resources(-result)) {
        return 0;  // ECONNABORTED and the like concern one peer, which has gone
    }
    if (std::exchange(has_adopted_, false)) {
        return 0;  // the sockets of a burst are open files until they are in a ring: that is no shortage
    }
    return fail_accepting(index, -result);
}

int UringBackend::adopt_waiting() {
    int events = 0;
    while (!waiting_.empty() && !is_short_) {
        const auto [listener, descriptor] = waiting_.front();
        const Address peer = peer_address_of(descriptor);  // while there is a descriptor to ask
        const Address local = local_address_of_accepted(descriptor, listening_.at(listener));
        SocketId socket;
        try {
            socket = adopt(descriptor, Kind::kSocket);
        } catch (const std::system_error& failure) {
            return events + fail_accepting(listener, failure.code().value());
        }
        waiting_.pop_front();
        has_adopted_ = true;
        ++events;
        slots_[listener].listener_events->on_accepted(socket, peer, local);
    }
    return events;
}

int UringBackend::fail_accepting(std::uint32_t index, int error) {
    Slot& slot = slots_[index];
    slot.receiving = false;
    is_short_ = true;
    changed(index);
    slot.listener_events->on_accept_failed({error, std::system_category()});
    return 1;
}

int UringBackend::connected(std::uint32_t index, int result) {
    Slot& slot = slots_[index];
    if (slot.kind != Kind::kConnecting) {
        return 0;
    }
    slot.kind = Kind::kSocket;
    changed(index);
    if (result < 0) {
        return lose(index, -result);
    }
    slot.socket_events->on_connected();
    return 1;
}

int UringBackend::received(std::uint32_t index, std::span<char> bytes, int result) {
    Slot& slot = slots_[index];
    if (slot.kind != Kind::kSocket || slot.failed) {
        return 0;
    }
    if (result > 0) {
        slot.socket_events->on_received(bytes);
        return 1;
    }
    if (result == 0) {
        slot.ended = true;
        slot.socket_events->on_end();
        return 1;
    }
    switch (-result) {
        case ENOBUFS: return 1;  // all buffers were full: it goes on with the next free ones
        case ECANCELED:          // as we asked
        case EINTR:
        case EAGAIN: return 0;
        default: return lose(index, -result);
    }
}

// Something has happened to a socket that does not receive.
int UringBackend::noticed(std::uint32_t index, int result) {
    Slot& slot = slots_[index];
    if (slot.kind != Kind::kSocket || slot.failed || result < 0) {
        return 0;
    }
    if ((result & (POLLERR | POLLHUP)) != 0) {
        return lose(index, (result & POLLERR) != 0 ? ECONNRESET : EPIPE);
    }
    slot.half_open = true;
    return 0;
}

int UringBackend::sent(std::uint32_t index, int result) {
    Slot& slot = slots_[index];
    slot.sending = false;
    const int error = std::max(-result, 0);
    if (slot.kind == Kind::kClosing && error != 0 && error != ECANCELED) {
        count_failure_after_close();
    }
    if (slot.kind != Kind::kSocket || slot.failed) {
        return 0;
    }
    if (error == 0 || error == EAGAIN || error == EINTR || error == ENOBUFS || error == ENOMEM) {
        slot.socket_events->on_sent(static_cast<std::size_t>(std::max(result, 0)));
        return 0;
    }
    return lose(index, error);
}

int UringBackend::lose(std::uint32_t index, int error) {
    Slot& slot = slots_[index];
    slot.failed = true;
    changed(index);
    slot.socket_events->on_failed({error, std::system_category()});
    return 1;
}

}  // namespace c10k
