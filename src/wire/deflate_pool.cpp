#include "wire/deflate_pool.hpp"

#include <utility>

namespace c10k::wire {
namespace {

// Connections borrow for one message: more lie idle only if so many had a message under way at once.
constexpr std::size_t kMaxIdle = 8;

}  // namespace

DeflatePool::DeflatePool() { inflaters_.reserve(kMaxIdle); }

std::unique_ptr<Inflater> DeflatePool::take_inflater(std::uint8_t window_bits) {
    if (inflaters_.empty()) {
        return std::make_unique<Inflater>(window_bits);
    }
    std::unique_ptr<Inflater> inflater = std::move(inflaters_.back());
    inflaters_.pop_back();
    inflater->reset(window_bits);
    return inflater;
}

void DeflatePool::give_back(std::unique_ptr<Inflater> inflater) noexcept {
    if (inflaters_.size() < kMaxIdle) {
        inflaters_.push_back(std::move(inflater));
    }
}

std::optional<internal::EncodedFrame> DeflatePool::compress(std::uint8_t window_bits, Message::Kind kind,
                                                            std::string_view payload) {
    std::unique_ptr<Deflater>& deflater = deflaters_.at(window_bits);
    if (!deflater) {
        deflater = std::make_unique<Deflater>(window_bits);
    }
    deflater->reset();
    return deflater->compress(kind, payload);
}

}  // namespace c10k::wire
