#include "connection/inbox.hpp"

#include "wire/message_builder.hpp"

#include <utility>

namespace c10k {

void Inbox::push(Message message) {
    if (message.frame_.block_ == nullptr) {
        message = wire::MessageBuilder{}.finish(Message::Kind::kText);
    }
    Block* block = std::exchange(message.frame_.block_, nullptr);
    block->next = last_ == nullptr ? block : std::exchange(last_->next, block);
    last_ = block;
    bytes_ += sizeof(Block) + block->payload_bytes;
}

Message Inbox::pop() noexcept {
    Block* first = last_->next;
    if (first == last_) {
        last_ = nullptr;
    } else {
        last_->next = first->next;
    }
    bytes_ -= sizeof(Block) + first->payload_bytes;
    return Message(internal::EncodedFrame(first));
}

void Inbox::clear() noexcept {
    while (!empty()) {
        pop();
    }
}

}  // namespace c10k
