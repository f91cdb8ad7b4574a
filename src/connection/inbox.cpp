#include "connection/inbox.hpp"

#include "wire/message_builder.hpp"

#include <utility>

namespace c10k {

void Inbox::push(Message message) {
    if (message.block_ == nullptr) {
        message = wire::MessageBuilder{}.finish(Message::Kind::kText);
    }
    Message::Block* block = std::exchange(message.block_, nullptr);
    block->next = last_ == nullptr ? block : std::exchange(last_->next, block);
    last_ = block;
    bytes_ += sizeof(Message::Block) + block->size;
}

Message Inbox::pop() noexcept {
    Message::Block* first = last_->next;
    if (first == last_) {
        last_ = nullptr;
    } else {
        last_->next = first->next;
    }
    bytes_ -= sizeof(Message::Block) + first->size;
    return Message(first);
}

void Inbox::clear() noexcept {
    while (!empty()) {
        pop();
    }
}

}  // namespace c10k
