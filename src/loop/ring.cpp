#include "loop/ring.hpp"

#include "loop/sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

// liburing 2.3 is older than these.
#ifndef IOU_PBUF_RING_INC
#define IOU_PBUF_RING_INC 2
#endif
#ifndef IORING_CQE_F_BUF_MORE
#define IORING_CQE_F_BUF_MORE (1U << 4)
#endif

namespace c10k {
namespace {

constexpr unsigned kEntries = 1024;
constexpr unsigned kCompletions = 8192;
// More slots would cost memory that few programs need; a program with more sockets gets more rings.
constexpr std::size_t kMaxFiles = 32768;

// Together they fit into a processor's cache, and each takes the bytes of many peers.
constexpr unsigned kLargeBuffers = 8;
constexpr std::size_t kLargeBufferBytes = 128 * 1024;
// Without incremental use each receive takes a whole one.
constexpr unsigned kSmallBuffers = 128;
constexpr std::size_t kSmallBufferBytes = 16 * 1024;

[[noreturn]] void refuse(int error, const char* what) { throw std::system_error(error, std::system_category(), what); }

const char* why_no_ring(int error) {
    switch (error) {
        case EPERM:
        case EACCES:
            return "io_uring is forbidden here (the sysctl kernel.io_uring_disabled, or a container's seccomp profile)";
        case ENOSYS: return "this kernel has no io_uring";
        case EINVAL: return "this kernel's io_uring is too old: Linux 6.1 is needed";
        default: return "io_uring";
    }
}

}  // namespace

void Ring::Unmap::operator()(void* memory) const noexcept { ::munmap(memory, size); }

Ring::Ring(const RingFeatures& wanted) {
    set_up();
    try {
        const auto files = static_cast<unsigned>(most_files());
        if (const int error = ::io_uring_register_files_sparse(&ring_, files); error < 0) {
            refuse(-error, "io_uring: no table of direct descriptors");
        }
        free_files_.resize(files);
        for (unsigned i = 0; i < files; ++i) {
            free_files_[i] = files - 1 - i;  // the lowest is taken first
        }
        set_up_buffers(wanted);
    } catch (...) {
        ::io_uring_queue_exit(&ring_);
        throw;
    }
    ::io_uring_register_ring_fd(&ring_);  // saves a little at each call; a thread may have 16
}

void Ring::set_up() {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                       IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    parameters.cq_entries = kCompletions;
    if (const int error = ::io_uring_queue_init_params(kEntries, &ring_, &parameters); error < 0) {
        refuse(-error, why_no_ring(-error));
    }
}

void Ring::set_up_buffers(const RingFeatures& wanted) {
    const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t size = std::max(page, kSmallBuffers * sizeof(io_uring_buf));
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        refuse(errno, "io_uring: no memory for buffers");
    }
    buffer_ring_ = {static_cast<io_uring_buf_ring*>(memory), Unmap{size}};

    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.bgid = kBuffers;
    int error = -EINVAL;
    if (wanted.incremental_buffers) {
        registration.ring_entries = kLargeBuffers;
        registration.pad = IOU_PBUF_RING_INC;  // "flags" in newer headers
        error = ::io_uring_register_buf_ring(&ring_, &registration, 0);
        features_.incremental_buffers = error == 0;
    } else {
        features_.incremental_buffers = false;
    }
    if (error < 0) {
        registration.ring_entries = kSmallBuffers;
        registration.pad = 0;
        error = ::io_uring_register_buf_ring(&ring_, &registration, 0);
    }
    if (error < 0) {
        refuse(-error, "io_uring: no provided buffers: Linux 6.1 is needed");
    }
    used_.assign(registration.ring_entries, 0);
    buffer_bytes_ = features_.incremental_buffers ? kLargeBufferBytes : kSmallBufferBytes;
    buffers_ = std::make_unique_for_overwrite<char[]>(used_.size() * buffer_bytes_);
    ::io_uring_buf_ring_init(buffer_ring_.get());
    for (unsigned i = 0; i < registration.ring_entries; ++i) {
        add_buffer(i);
    }
}

Ring::~Ring() { ::io_uring_queue_exit(&ring_); }

// ---- Direct descriptors

std::size_t Ring::most_files() noexcept { return std::min(open_file_limit(), kMaxFiles); }

unsigned Ring::adopt(int descriptor) {
    const unsigned file = free_files_.back();
    if (const int count = ::io_uring_register_files_update(&ring_, file, &descriptor, 1); count < 0) {
        refuse(-count, "io_uring: a descriptor cannot be registered");
    }
    free_files_.pop_back();
    ::close(descriptor);
    return file;
}

// ---- Submission

io_uring_sqe& Ring::prepare() {
    io_uring_sqe* entry = nullptr;
    while ((entry = ::io_uring_get_sqe(&ring_)) == nullptr) {
        ::io_uring_submit(&ring_);
        submitted();
    }
    *entry = {};
    return *entry;
}

msghdr& Ring::message_for_entry(std::span<const iovec> pieces) {
    if (messages_used_ == messages_.size()) {
        messages_.push_back(std::make_unique<Gathered>());
    }
    Gathered& gathered = *messages_[messages_used_++];
    gathered.pieces.assign(pieces.begin(), pieces.end());
    gathered.message = {};
    gathered.message.msg_iov = gathered.pieces.data();
    gathered.message.msg_iovlen = gathered.pieces.size();
    return gathered.message;
}

sockaddr_storage& Ring::address_for_entry() {
    if (addresses_used_ == addresses_.size()) {
        addresses_.push_back(std::make_unique<sockaddr_storage>());
    }
    return *addresses_[addresses_used_++];
}

// The kernel has read the entries, and what they point to.
void Ring::submitted() noexcept {
    messages_used_ = 0;
    addresses_used_ = 0;
}

// ---- Completion

bool Ring::wants_enter() const noexcept {
    return ::io_uring_sq_ready(&ring_) > 0 ||
           (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void Ring::enter() {
    ::io_uring_submit_and_get_events(&ring_);
    submitted();
}

void Ring::sleep(std::optional<std::chrono::milliseconds> time) {
#ifdef __SANITIZE_THREAD__
    // The sanitizer holds a signal back until its thread makes a call that it knows, and those of liburing are none: an
    // idle server would never hear of a SIGTERM.
    constexpr std::chrono::milliseconds kLongest{100};
    time = std::min(time.value_or(kLongest), kLongest);
#endif
    io_uring_cqe* ignored = nullptr;
    __kernel_timespec timeout{};
    if (time) {
        timeout.tv_sec = time->count() / 1000;
        timeout.tv_nsec = time->count() % 1000 * 1'000'000;
    }
    ::io_uring_submit_and_wait_timeout(&ring_, &ignored, 1, time ? &timeout : nullptr, nullptr);
    submitted();
}

bool Ring::take(io_uring_cqe& completion) noexcept {
    const unsigned head = *ring_.cq.khead;
    if (head == io_uring_smp_load_acquire(ring_.cq.ktail)) {
        return false;
    }
    completion = ring_.cq.cqes[head & ring_.cq.ring_mask];
    ::io_uring_cq_advance(&ring_, 1);
    return true;
}

void Ring::register_wake(int eventfd) {
    if (const int error = ::io_uring_register_eventfd(&ring_, eventfd); error < 0) {
        refuse(-error, "io_uring: no eventfd");
    }
    set_notify(Notify::kNo);
}

void Ring::set_notify(Notify notify) noexcept { ::io_uring_cq_eventfd_toggle(&ring_, notify == Notify::kYes); }

// ---- Receiving

void Ring::add_buffer(unsigned index) noexcept {
    const int mask = ::io_uring_buf_ring_mask(static_cast<unsigned>(used_.size()));
    ::io_uring_buf_ring_add(buffer_ring_.get(), &buffers_[index * buffer_bytes_], static_cast<unsigned>(buffer_bytes_),
                            static_cast<unsigned short>(index), mask, 0);
    ::io_uring_buf_ring_advance(buffer_ring_.get(), 1);
}

std::span<char> Ring::received(const io_uring_cqe& completion) noexcept {
    const unsigned index = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    return {&buffers_[index * buffer_bytes_ + used_[index]], static_cast<std::size_t>(std::max(completion.res, 0))};
}

void Ring::recycle(const io_uring_cqe& completion) noexcept {
    const unsigned index = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    if ((completion.flags & IORING_CQE_F_BUF_MORE) != 0) {
        used_[index] += static_cast<std::uint32_t>(std::max(completion.res, 0));
    } else {
        used_[index] = 0;
        add_buffer(index);
    }
}

}  // namespace c10k
