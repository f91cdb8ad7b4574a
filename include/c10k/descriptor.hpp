#pragma once

#include "c10k/awaiter.hpp"
#include "c10k/internal/descriptor_events.hpp"

#include <coroutine>

// For descriptors of your own: the socket of a database's client, a pipe, a timerfd, an inotify, another epoll.
namespace c10k {

// The awaiter of readable() and writable().
class [[nodiscard]] DescriptorAwaiter final : public Awaiter, private internal::DescriptorEvents {
public:
    DescriptorAwaiter(int descriptor, internal::Readiness wanted) noexcept : descriptor_(descriptor), wanted_(wanted) {}
    [[nodiscard]] bool await_ready() const noexcept { return stop_requested(); }
    void await_suspend(std::coroutine_handle<> task);
    void await_resume() const;

private:
    void on_ready(int error) override;
    void on_stop() noexcept override;
    bool on_interrupt() noexcept override;

    int descriptor_;
    int error_ = 0;
    internal::Readiness wanted_;
};

// Suspends until read() on `descriptor` would not block: there are bytes or connections to take, the other side has
// finished, or an error waits to be read. It is as poll(2) has it; of a regular file, at once. Each wait stands for
// itself: if bytes are left, the next one returns in the next turn. As everywhere, readiness is a hint: let the
// descriptor be nonblocking (O_NONBLOCK).
//
//     while (!is_done()) {
//         co_await readable(PQsocket(connection));
//         PQconsumeInput(connection);
//     }
//
// The descriptor stays the caller's, and may be duplicated, inherited or shared. Stops. Throws std::system_error if the
// kernel cannot watch it, such as EBADF.
// Requires: no other task waits for the same on that descriptor, and the backend has descriptors: the network in memory
// of tests has none. Throws std::logic_error otherwise, when it is awaited.
// Requires: it is closed only while no task waits for it. Not checked: the kernel does not tell.
inline DescriptorAwaiter readable(int descriptor) noexcept { return {descriptor, internal::Readiness::kReadable}; }

// The same for write(). One task may wait for this and another one for readable() on one descriptor.
inline DescriptorAwaiter writable(int descriptor) noexcept { return {descriptor, internal::Readiness::kWritable}; }

}  // namespace c10k
