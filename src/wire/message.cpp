#include "c10k/message.hpp"

#include "wire/frame.hpp"
#include "wire/utf8.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

namespace c10k {

Message::Message(Kind kind, std::string_view payload) {
    if (payload.size() > kMaxSize) {
        throw std::length_error("a message holds at most 1 GiB");
    }
    if (kind == Kind::kText) {
        wire::require_utf8(payload);
    }
    if (kind == Kind::kText && payload.empty()) {
        return;
    }
    void* memory = std::malloc(sizeof(Block) + payload.size());
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    *this = adopt(memory, kind, payload.size());
    if (!payload.empty()) {
        std::memcpy(block_->payload(), payload.data(), payload.size());
    }
}

std::string_view Message::frame() const noexcept {
    if (block_ == nullptr) {
        return {"\x81\0", 2};
    }
    const std::size_t header_bytes = wire::header_bytes(block_->size);
    return {block_->payload() - header_bytes, header_bytes + block_->size};
}

Message Message::adopt(void* memory, Kind kind, std::size_t size) noexcept {
    static_assert(sizeof(Block) == offsetof(Block, header) + sizeof(Block::header), "the payload follows the header");
    auto* block = new (memory) Block{nullptr, 1, static_cast<std::uint32_t>(size), kind, {}};
    const auto opcode = kind == Kind::kText ? wire::Opcode::kText : wire::Opcode::kBinary;
    wire::write_header(opcode, size, block->payload() - wire::header_bytes(size));
    return Message(block);
}

void Message::destroy(Block* block) noexcept {
    block->~Block();
    std::free(block);
}

}  // namespace c10k
