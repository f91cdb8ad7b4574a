#pragma once

#include "c10k/message.hpp"
#include "wire/deflate.hpp"
#include "wire/extensions.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace c10k::wire {

// Compressors and decompressors for connections that keep none of their own: each is lent for one message.
//
// Thread: the pool belongs to one loop, and so do all connections that borrow from it. It outlives them.
class DeflatePool {
public:
    DeflatePool();
    DeflatePool(const DeflatePool&) = delete;
    DeflatePool& operator=(const DeflatePool&) = delete;

    // A decompressor that knows nothing yet. Throws std::bad_alloc.
    [[nodiscard]] std::unique_ptr<Inflater> take_inflater(std::uint8_t window_bits);
    void give_back(std::unique_ptr<Inflater> inflater) noexcept;

    // Compresses without reference to anything before, as Deflater does. Throws std::bad_alloc.
    [[nodiscard]] std::optional<internal::EncodedFrame> compress(std::uint8_t window_bits, Message::Kind kind,
                                                                 std::string_view payload);

private:
    std::vector<std::unique_ptr<Inflater>> inflaters_;                                  // not lent
    std::array<std::unique_ptr<Deflater>, kMaxWindowBits + std::size_t{1}> deflaters_;  // by window bits
};

}  // namespace c10k::wire
