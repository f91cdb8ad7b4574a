#pragma once

#include "c10k/message.hpp"

#include <cstddef>

namespace c10k {

// Messages that have arrived and that the view has not received, in their order. It links their own blocks, so pushing
// allocates nothing and cannot fail (but for Message{}, which has no block yet).
//
// Requires: a pushed message, or a copy of it, is in no other inbox.
class Inbox {
public:
    Inbox() = default;
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    ~Inbox() { clear(); }

    void push(Message message);
    // Requires: !empty().
    Message pop() noexcept;
    void clear() noexcept;

    [[nodiscard]] bool empty() const noexcept { return last_ == nullptr; }
    // The memory of the messages, in bytes: empty ones count too.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    using Block = internal::EncodedFrame::Block;

    Block* last_ = nullptr;  // a ring: its next is the first
    std::size_t bytes_ = 0;
};

}  // namespace c10k
