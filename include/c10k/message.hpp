#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace c10k {

namespace wire {
class MessageBuilder;
}  // namespace wire

class Inbox;

// One WebSocket message: a handle, the size of a pointer, to an immutable, counted block.
//
// Copying a Message copies no bytes, so one message can go to any number of receivers. The block keeps the
// header of the unmasked frame in front of the payload: it is encoded once, however often it is sent.
// Thread: handles to one block may be copied and destroyed on any thread; one handle belongs to one thread at a time.
class Message {
public:
    enum class Kind : std::uint8_t { kText, kBinary };

    // The largest payload a message can hold, in bytes.
    static constexpr std::size_t kMaxSize = std::size_t{1} << 30;

    // An empty text message.
    Message() noexcept = default;

    // A text message. Throws std::length_error if `text` is larger than kMaxSize.
    // Requires: `text` is UTF-8 (RFC 6455, 5.6). Throws std::logic_error in builds without NDEBUG. Not checked in
    // others: whoever makes the text knows, and each byte would cost time.
    Message(std::string_view text) : Message(Kind::kText, text) {}
    Message(const char* text) : Message(Kind::kText, text) {}
    Message(const std::string& text) : Message(Kind::kText, text) {}

    // Throws std::length_error if `payload` is larger than kMaxSize.
    Message(Kind kind, std::string_view payload);
    static Message binary(std::string_view payload) { return {Kind::kBinary, payload}; }

    Message(const Message& other) noexcept : block_(other.block_) {
        if (block_ != nullptr) {
            block_->references.fetch_add(1, std::memory_order_relaxed);
        }
    }
    Message(Message&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Message& operator=(Message other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Message() {
        if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            destroy(block_);
        }
    }

    [[nodiscard]] Kind kind() const noexcept { return block_ == nullptr ? Kind::kText : block_->kind; }
    [[nodiscard]] bool is_text() const noexcept { return kind() == Kind::kText; }

    // The payload; valid as long as a handle to the block exists.
    [[nodiscard]] std::string_view view() const noexcept {
        return block_ == nullptr ? std::string_view{} : std::string_view{block_->payload(), block_->size};
    }
    operator std::string_view() const noexcept { return view(); }
    [[nodiscard]] std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    // The unmasked frame (RFC 6455, 5.2) that carries the payload; valid as long as a handle to the block exists.
    [[nodiscard]] std::string_view frame() const noexcept;

    friend bool operator==(const Message& left, std::string_view right) noexcept { return left.view() == right; }
    friend bool operator==(const Message& left, const char* right) noexcept { return left.view() == right; }
    friend bool operator==(const Message& left, const std::string& right) noexcept { return left.view() == right; }
    friend bool operator==(const Message& left, const Message& right) noexcept { return left.view() == right.view(); }

private:
    friend class wire::MessageBuilder;
    friend class Inbox;

    // Lies in memory from malloc() before the payload.
    struct Block {
        Block* next;  // the next message in the one queue that holds this one
        std::atomic<std::uint32_t> references;
        std::uint32_t size;  // payload bytes
        Kind kind;
        char header[15];  // its last bytes are the header of the unmasked frame

        char* payload() noexcept { return reinterpret_cast<char*>(this + 1); }
    };

    explicit Message(Block* owned) noexcept : block_(owned) {}

    // Owns `memory`: room for a Block, then a payload of `size` bytes.
    static Message adopt(void* memory, Kind kind, std::size_t size) noexcept;
    static void destroy(Block* block) noexcept;

    Block* block_ = nullptr;
};

// Why a WebSocket was closed (RFC 6455, 7.1.5 and 7.1.6).
struct CloseInfo {
    std::uint16_t code = 1006;  // 1005: closed without a code; 1006: the connection was lost
    std::string reason;         // UTF-8, but else whatever the peer wrote: for a terminal, printable()
};

}  // namespace c10k
