#include "wire/prepared_message.hpp"

namespace c10k::wire {

const std::optional<internal::EncodedFrame>& PreparedMessage::compressed(DeflatePool& pool, std::uint8_t window_bits) {
    for (const auto& [bits, frame] : compressed_) {
        if (bits == window_bits) {
            return frame;
        }
    }
    return compressed_.emplace_back(window_bits, pool.compress(window_bits, message_.kind(), message_.view())).second;
}

}  // namespace c10k::wire
