#pragma once

#include "c10k/internal/encoded_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <sys/uio.h>

namespace c10k {

// Bytes on their way to one peer, in order. Small pieces are copied together, large messages are shared.
// An empty one owns no memory. Bytes that gather() has returned stay where they are until consume() takes them.
class Outbox {
public:
    Outbox() = default;
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    ~Outbox() { clear(); }

    void append(std::string_view bytes);
    // Appends a frame, unmasked.
    void append_frame(const internal::EncodedFrame& frame);
    // The same with a frame that drop_oldest() may take back.
    void append_loose_frame(const internal::EncodedFrame& frame);
    // Drops the oldest droppable frames until at most `most` bytes are left, but none of which a byte has been
    // gathered: frames that were copied together go together. Returns how many it dropped.
    std::size_t drop_oldest(std::size_t most) noexcept;
    // Puts `bytes` before everything else. Requires: nothing was gathered.
    void prepend(std::string_view bytes);
    // Room for `size` more bytes, which the caller fills before anything else happens.
    char* extend(std::size_t size);

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }

    // The oldest bytes, as far as they fit into `pieces`. Returns the pieces that were filled.
    [[nodiscard]] std::span<iovec> gather(std::span<iovec> pieces) const noexcept;
    // Drops the oldest `size` bytes.
    void consume(std::size_t size) noexcept;
    void clear() noexcept { consume(bytes_); }
    // Empties it, and hands its memory over: for a send that the kernel has not answered. Null if it was empty.
    [[nodiscard]] std::shared_ptr<const void> release() noexcept;

private:
    struct Chunk;
    enum class Kind : std::uint8_t { kKept, kLoose };

    char* extend(std::size_t size, Kind kind);
    void append_frame(const internal::EncodedFrame& frame, Kind kind);
    void append(Chunk* chunk) noexcept;

    Chunk* first_ = nullptr;
    Chunk* last_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace c10k
