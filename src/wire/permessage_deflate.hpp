#pragma once

#include "c10k/message.hpp"
#include "wire/deflate_pool.hpp"
#include "wire/extensions.hpp"
#include "wire/frame.hpp"
#include "wire/message_builder.hpp"
#include "wire/prepared_message.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace c10k::wire {

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
    // No message follows, or none that the view reads.
    void forget_message() noexcept;

    // Out: the frame to send instead of one with this payload; empty if that is to go as it is. Each frame must be
    // sent, in this order: a later one may refer to it.
    [[nodiscard]] std::optional<internal::EncodedFrame> compress(Message::Kind kind, std::string_view payload);
    // The frame to send of a message that many get, or that may yet be left out: it refers to no other message, and
    // none to it. Valid as long as `message`, until another connection asks it for another window.
    [[nodiscard]] const internal::EncodedFrame& compress_standalone(PreparedMessage& message);

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
