#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace c10k {

class Inbox;

namespace wire {
class MessageBuilder;
}

}  // namespace c10k

namespace c10k::internal {

// A data frame as a server sends it (RFC 6455, 5.2), header and payload, encoded once for any number of receivers: a
// handle, the size of a pointer, to a counted block. The bytes in the block never change.
//
// Thread: handles to one block may be copied and destroyed on any thread; one handle belongs to one thread at a time.
class EncodedFrame {
public:
    // The frame of an empty text, without a block.
    EncodedFrame() noexcept = default;
    // Requires: `payload` is at most 1 GiB. Not checked: Message does that. Throws std::bad_alloc.
    EncodedFrame(bool is_text, std::string_view payload);

    EncodedFrame(const EncodedFrame& other) noexcept : block_(other.block_) {
        if (block_ != nullptr) {
            block_->references.fetch_add(1, std::memory_order_relaxed);
        }
    }
    EncodedFrame(EncodedFrame&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    EncodedFrame& operator=(EncodedFrame other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~EncodedFrame() {
        if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            destroy(block_);
        }
    }

    // Whether the message is a text; else it is binary.
    [[nodiscard]] bool is_text() const noexcept { return block_ == nullptr || block_->is_text; }

    // As sent: deflated if the header has the bit of permessage-deflate (RFC 7692, 6).
    // Both views are valid as long as a handle to the block exists.
    [[nodiscard]] std::string_view payload() const noexcept {
        return block_ == nullptr ? std::string_view{} : std::string_view{block_->payload(), block_->payload_bytes};
    }
    // Header and payload.
    [[nodiscard]] std::string_view bytes() const noexcept;

private:
    friend class c10k::Inbox;
    friend class wire::MessageBuilder;

    // Lies before the payload in memory of take_block(), or of malloc() if it is larger.
    struct Block {
        Block* next;  // belongs to the one Inbox that holds the block
        std::atomic<std::uint32_t> references;
        std::uint32_t payload_bytes;
        bool is_text;
        char header[15];  // right-aligned: the payload follows

        char* payload() noexcept { return reinterpret_cast<char*>(this + 1); }
    };

    explicit EncodedFrame(Block* owned) noexcept : block_(owned) {}

    // Encodes the header into `memory`, which holds room for a Block and then a payload of `payload_bytes`, and owns
    // it.
    static EncodedFrame adopt(void* memory, bool is_text, std::size_t payload_bytes) noexcept;
    static void destroy(Block* block) noexcept;

    Block* block_ = nullptr;
};

}  // namespace c10k::internal
