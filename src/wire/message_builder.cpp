#include "wire/message_builder.hpp"

#include "base/block_pool.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <utility>

namespace c10k::wire {

void MessageBuilder::append(std::string_view bytes, MaskKey key, std::size_t limit) {
    const std::size_t needed = size_ + bytes.size();
    if (memory_ == nullptr || needed > capacity_) {
        reallocate(std::min(2 * needed, limit));
    }
    key.apply(bytes, memory_ + sizeof(Block) + size_);
    size_ = static_cast<std::uint32_t>(needed);
}

std::span<char> MessageBuilder::room(std::size_t wanted, std::size_t limit) {
    if ((memory_ == nullptr || size_ == capacity_) && size_ < limit) {
        reallocate(std::min(size_ + std::max<std::size_t>(size_, wanted), limit));
    }
    return memory_ == nullptr ? std::span<char>{} : std::span{memory_ + sizeof(Block), capacity_}.subspan(size_);
}

std::string_view MessageBuilder::view() const noexcept {
    return memory_ == nullptr ? std::string_view{} : std::string_view{memory_ + sizeof(Block), size_};
}

std::size_t MessageBuilder::held_bytes() const noexcept {
    return memory_ == nullptr ? 0 : BlockPool::rounded(sizeof(Block) + capacity_);
}

Message MessageBuilder::finish(Message::Kind kind) { return Message(finish_frame(kind)); }

internal::EncodedFrame MessageBuilder::finish_compressed(Message::Kind kind) {
    internal::EncodedFrame frame = finish_frame(kind);
    char* const first = frame.block_->payload() - header_bytes(frame.payload().size());
    *first = static_cast<char>(*first | kCompressedBit);
    return frame;
}

internal::EncodedFrame MessageBuilder::finish_frame(Message::Kind kind) {
    // A message may lie in a queue for long, so it gives back the memory that doubling reserved in vain.
    if (memory_ == nullptr || capacity_ - size_ > size_ / 8) {
        reallocate(size_);
    }
    auto frame = internal::EncodedFrame::adopt(std::exchange(memory_, nullptr), kind == Message::Kind::kText, size_);
    clear();
    return frame;
}

void MessageBuilder::clear() noexcept {
    if (memory_ != nullptr) {
        give_block(std::exchange(memory_, nullptr), sizeof(Block) + capacity_);
    }
    size_ = 0;
    capacity_ = 0;
}

void MessageBuilder::reallocate(std::size_t capacity) {
    memory_ = static_cast<char*>(
        resize_block(memory_, sizeof(Block) + capacity_, sizeof(Block) + size_, sizeof(Block) + capacity));
    capacity_ = static_cast<std::uint32_t>(capacity);
}

}  // namespace c10k::wire
