#include "wire/permessage_deflate.hpp"

#include <utility>

namespace c10k::wire {
namespace {

// More lie idle only if so many connections had a message under way at once.
constexpr std::size_t kMaxIdle = 8;

}  // namespace

// ---- DeflatePool

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

DeflatePool::FanOut::FanOut(DeflatePool& pool, const Message& message) noexcept : pool_(pool), message_(message) {
    pool_.fan_out_ = this;
}

DeflatePool::FanOut::~FanOut() { pool_.fan_out_ = nullptr; }

const std::optional<internal::EncodedFrame>& DeflatePool::FanOut::compressed(std::uint8_t window_bits) {
    auto& compressed = compressed_.at(window_bits);
    if (!compressed) {
        compressed = pool_.compress(window_bits, message_.kind(), message_.view());
    }
    return *compressed;
}

// ---- PermessageDeflate

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

std::optional<internal::EncodedFrame> PermessageDeflate::compress_standalone(Message::Kind kind,
                                                                             std::string_view payload) {
    if (is_small(payload)) {
        return std::nullopt;
    }
    DeflatePool::FanOut* const fan_out = pool_.fan_out_;
    auto compressed = fan_out != nullptr && fan_out->is_of(payload) ? fan_out->compressed(deflater_bits_)
                                                                    : pool_.compress(deflater_bits_, kind, payload);
    if (compressed && deflater_) {
        // It will be in the peer's window, where our own compressor has not seen it. That has to begin anew: what it
        // finds from then on lies behind this in both.
        deflater_->reset();
    }
    return compressed;
}

}  // namespace c10k::wire
