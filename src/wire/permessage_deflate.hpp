#pragma once

#include "c10k/message.hpp"
#include "wire/deflate.hpp"
#include "wire/extensions.hpp"
#include "wire/frame.hpp"
#include "wire/message_builder.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace c10k::wire {

// Compressors and decompressors for connections that keep none of their own: each is lent for one message.
//
// Thread: it belongs to one loop, and so do all who borrow from it. It outlives them.
class DeflatePool {
public:
    class FanOut;

    DeflatePool();
    DeflatePool(const DeflatePool&) = delete;
    DeflatePool& operator=(const DeflatePool&) = delete;

    // One that knows nothing yet. Throws std::bad_alloc.
    [[nodiscard]] std::unique_ptr<Inflater> take_inflater(std::uint8_t window_bits);
    void give_back(std::unique_ptr<Inflater> inflater) noexcept;

    // Compresses without reference to anything before, as Deflater does. Throws std::bad_alloc.
    [[nodiscard]] std::optional<internal::EncodedFrame> compress(std::uint8_t window_bits, Message::Kind kind,
                                                                 std::string_view payload);

private:
    friend class PermessageDeflate;

    std::vector<std::unique_ptr<Inflater>> inflaters_;                                  // that nobody has
    std::array<std::unique_ptr<Deflater>, kMaxWindowBits + std::size_t{1}> deflaters_;  // by window bits
    FanOut* fan_out_ = nullptr;
};

// While it exists, one message goes out to many connections of the pool, and is compressed once for each window:
// PermessageDeflate::compress_standalone() finds it here.
class DeflatePool::FanOut {
public:
    // Requires: `message` outlives it; the pool has no other.
    FanOut(DeflatePool& pool, const Message& message) noexcept;
    FanOut(const FanOut&) = delete;
    FanOut& operator=(const FanOut&) = delete;
    ~FanOut();

private:
    friend class PermessageDeflate;

    // Whether `payload` is the message's very own.
    [[nodiscard]] bool is_of(std::string_view payload) const noexcept {
        return payload.data() == message_.view().data();
    }
    const std::optional<internal::EncodedFrame>& compressed(std::uint8_t window_bits);

    DeflatePool& pool_;
    const Message& message_;
    // By window bits; of those that were asked for, nothing if it would not be smaller.
    std::array<std::optional<std::optional<internal::EncodedFrame>>, kMaxWindowBits + std::size_t{1}> compressed_;
};

// The compression of one connection, both ways, as its handshake has agreed on it.
//
// Between two messages it owns a decompressor or a compressor only if its side of the connection keeps its context.
class PermessageDeflate {
public:
    // `agreed` is the server's answer; messages of fewer than `from_bytes` are not compressed.
    PermessageDeflate(Role role, const DeflateParameters& agreed, std::uint32_t from_bytes, DeflatePool& pool) noexcept;
    ~PermessageDeflate() { forget_message(); }
    PermessageDeflate(const PermessageDeflate&) = delete;
    PermessageDeflate& operator=(const PermessageDeflate&) = delete;

    // In: see Inflater.
    Inflater::Result inflate(std::string_view bytes, MessageBuilder& message, std::size_t limit);
    Inflater::Result end_message(MessageBuilder& message, std::size_t limit);
    // No message follows, or only such as nobody reads.
    void forget_message() noexcept;

    // Out: the frame to send instead of one with this payload; empty if that is to go as it is. Each frame must be
    // sent, in this order: a later one may refer to it.
    [[nodiscard]] std::optional<internal::EncodedFrame> compress(Message::Kind kind, std::string_view payload);
    // The same for one that many get, or that may yet be left out: it refers to no other message, and none to it.
    [[nodiscard]] std::optional<internal::EncodedFrame> compress_standalone(Message::Kind kind,
                                                                            std::string_view payload);

    // What has arrived but is not to be read yet; null if there is no need to wait. See Protocol::pause().
    std::unique_ptr<std::string> unread;

private:
    [[nodiscard]] Inflater& inflater();
    [[nodiscard]] bool is_small(std::string_view payload) const noexcept { return payload.size() < from_bytes_; }

    DeflatePool& pool_;
    std::unique_ptr<Inflater> inflater_;
    std::unique_ptr<Deflater> deflater_;
    const std::uint32_t from_bytes_;
    std::uint8_t inflater_bits_;
    std::uint8_t deflater_bits_;
    bool inflater_stays_;
    bool deflater_stays_;
};

}  // namespace c10k::wire
