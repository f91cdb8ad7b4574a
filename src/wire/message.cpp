#include "c10k/message.hpp"

#include "wire/utf8.hpp"

#include <stdexcept>

namespace c10k {

Message::Message(Kind kind, std::string_view payload) {
    if (payload.size() > kMaxSize) {
        throw std::length_error("a message holds at most 1 GiB");
    }
    if (kind == Kind::kText) {
        wire::require_utf8(payload);
    }
    if (kind == Kind::kBinary || !payload.empty()) {
        frame_ = internal::EncodedFrame(kind == Kind::kText, payload);
    }
}

}  // namespace c10k
