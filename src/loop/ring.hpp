#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <liburing.h>
#include <memory>
#include <optional>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

namespace c10k {

// Features of a kernel that a Ring uses but does not need.
struct RingFeatures {
    bool incremental_buffers = true;  // one buffer takes many receives, one behind the other (Linux 6.12)
};

// One io_uring with what belongs to it: a table of direct descriptors, and the buffers that the kernel receives into.
//
// A table holds as many sockets as the process may have open files, and they are not open files themselves. A backend
// that needs more sockets makes another ring. Thread: the one that made it.
class Ring {
public:
    // Uses those features in `wanted` that the kernel has. Throws std::system_error, with a text that says what to do,
    // if the kernel refuses or lacks a feature that every ring needs (Linux 6.1).
    explicit Ring(const RingFeatures& wanted);
    // Requires: nothing is under way.
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    [[nodiscard]] const RingFeatures& features() const noexcept { return features_; }

    // ---- Direct descriptors

    // The size of a table under the current limit of open files.
    [[nodiscard]] static std::size_t most_files() noexcept;
    [[nodiscard]] bool has_room() const noexcept { return !free_files_.empty(); }
    // Moves a descriptor into the table, closes it, and returns its index there. If it throws std::system_error, it has
    // done nothing. Requires: has_room().
    unsigned adopt(int descriptor);
    // Frees the index. Requires: the kernel has closed the socket there.
    void release(unsigned file) { free_files_.push_back(file); }

    // ---- Submission

    // The next entry, zeroed. It goes out with the next enter() or sleep().
    io_uring_sqe& prepare();
    // Memory for what an entry points to; stays until that entry was submitted.
    msghdr& message_for_entry(std::span<const iovec> pieces);
    sockaddr_storage& address_for_entry();

    // ---- Completion

    // Whether enter() would do anything: there are entries to submit, or the kernel holds back completions.
    [[nodiscard]] bool wants_enter() const noexcept;
    // Submits, and lets the kernel finish what it can.
    void enter();
    // The same, and sleeps until there is a completion or the time is over (nullopt: for ever).
    void sleep(std::optional<std::chrono::milliseconds> time);
    // The oldest completion, if there is one.
    bool take(io_uring_cqe& completion) noexcept;

    // Writes to `eventfd` when the kernel has news, while set_notify() says so.
    void register_wake(int eventfd);
    enum class Notify : std::uint8_t { kYes, kNo };
    void set_notify(Notify notify) noexcept;

    // ---- Receiving

    static constexpr std::uint16_t kBuffers = 0;  // the group of the buffers

    // The bytes that `completion` has brought, valid until recycle().
    [[nodiscard]] std::span<char> received(const io_uring_cqe& completion) noexcept;
    // Gives the buffer of `completion` back to the kernel.
    void recycle(const io_uring_cqe& completion) noexcept;

private:
    struct Gathered {
        msghdr message;
        std::vector<iovec> pieces;
    };

    void set_up();
    void set_up_buffers(const RingFeatures& wanted);
    void submitted() noexcept;
    void add_buffer(unsigned index) noexcept;

    io_uring ring_{};
    RingFeatures features_;
    std::vector<unsigned> free_files_;

    struct Unmap {
        std::size_t size;
        void operator()(void* memory) const noexcept;
    };
    std::unique_ptr<io_uring_buf_ring, Unmap> buffer_ring_{nullptr, Unmap{0}};
    std::unique_ptr<char[]> buffers_;
    std::size_t buffer_bytes_ = 0;     // of each
    std::vector<std::uint32_t> used_;  // of each buffer: the bytes of earlier receives

    // The entries that are not submitted yet use the first so many of each.
    std::vector<std::unique_ptr<Gathered>> messages_;
    std::vector<std::unique_ptr<sockaddr_storage>> addresses_;
    std::size_t messages_used_ = 0;
    std::size_t addresses_used_ = 0;
};

}  // namespace c10k
