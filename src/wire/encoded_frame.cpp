#include "c10k/internal/encoded_frame.hpp"

#include "base/block_pool.hpp"
#include "wire/frame.hpp"

#include <cstring>
#include <new>

namespace c10k::internal {

EncodedFrame::EncodedFrame(bool is_text, std::string_view payload) {
    *this = adopt(take_block(sizeof(Block) + payload.size()), is_text, payload.size());
    if (!payload.empty()) {
        std::memcpy(block_->payload(), payload.data(), payload.size());
    }
}

std::string_view EncodedFrame::bytes() const noexcept {
    if (block_ == nullptr) {
        return {"\x81\0", 2};
    }
    const std::size_t header_bytes = wire::header_bytes(block_->payload_bytes);
    return {block_->payload() - header_bytes, header_bytes + block_->payload_bytes};
}

EncodedFrame EncodedFrame::adopt(void* memory, bool is_text, std::size_t payload_bytes) noexcept {
    static_assert(sizeof(Block) == offsetof(Block, header) + sizeof(Block::header), "the payload follows the header");
    auto* block = new (memory) Block{nullptr, 1, static_cast<std::uint32_t>(payload_bytes), is_text, {}};
    const auto opcode = is_text ? wire::Opcode::kText : wire::Opcode::kBinary;
    wire::write_header(opcode, payload_bytes, block->payload() - wire::header_bytes(payload_bytes));
    return EncodedFrame(block);
}

void EncodedFrame::destroy(Block* block) noexcept {
    const std::size_t bytes = sizeof(Block) + block->payload_bytes;
    block->~Block();
    give_block(block, bytes);
}

}  // namespace c10k::internal
