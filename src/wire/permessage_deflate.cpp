#include "wire/permessage_deflate.hpp"

#include <utility>

namespace c10k::wire {

PermessageDeflate::PermessageDeflate(Role role, const DeflateParameters& agreed, std::uint32_t from_bytes,
                                     DeflatePool& pool) noexcept
    : pool_(pool), from_bytes_(from_bytes), inflater_bits_(agreed.client_max_window_bits.value_or(kMaxWindowBits)),
      deflater_bits_(agreed.server_max_window_bits.value_or(kMaxWindowBits)),
      inflater_stays_(!agreed.client_no_context_takeover), deflater_stays_(!agreed.server_no_context_takeover) {
    if (role == Role::kClient) {
        std::swap(inflater_bits_, deflater_bits_);
        std::swap(inflater_stays_, deflater_stays_);
    }
}

Inflater& PermessageDeflate::inflater() {
    if (!inflater_) {
        inflater_ = inflater_stays_ ? std::make_unique<Inflater>(inflater_bits_) : pool_.take_inflater(inflater_bits_);
    }
    return *inflater_;
}

Inflater::Result PermessageDeflate::inflate(std::string_view bytes, MessageBuilder& message, std::size_t limit) {
    return inflater().inflate(bytes, message, limit);
}

Inflater::Result PermessageDeflate::end_message(MessageBuilder& message, std::size_t limit) {
    const Inflater::Result result = inflater().end_message(message, limit);
    if (!inflater_stays_) {
        pool_.give_back(std::move(inflater_));
    }
    return result;
}

void PermessageDeflate::forget_message() noexcept {
    if (inflater_ && !inflater_stays_) {
        pool_.give_back(std::move(inflater_));
    }
    inflater_.reset();
}

std::optional<internal::EncodedFrame> PermessageDeflate::compress(Message::Kind kind, std::string_view payload) {
    if (is_small(payload)) {
        return std::nullopt;
    }
    if (!deflater_stays_) {
        return pool_.compress(deflater_bits_, kind, payload);
    }
    if (!deflater_) {
        deflater_ = std::make_unique<Deflater>(deflater_bits_);
    }
    return deflater_->compress(kind, payload);
}

const internal::EncodedFrame& PermessageDeflate::compress_standalone(PreparedMessage& message) {
    if (is_small(message.payload())) {
        return message.frame();
    }
    const std::optional<internal::EncodedFrame>& compressed = message.compressed(pool_, deflater_bits_);
    if (!compressed) {
        return message.frame();
    }
    if (deflater_) {
        // The peer's window will hold this message, which our own compressor has not seen. So the compressor starts
        // again: everything that it finds from now on comes after this message in both windows.
        deflater_->reset();
    }
    return *compressed;
}

}  // namespace c10k::wire
