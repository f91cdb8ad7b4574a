#pragma once

#include "wire/http2_frame.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace c10k::wire {

// Splits the bytes of a connection into frames. The payload of DATA frames is passed on as it comes, where it lies; any
// other frame is collected, if it does not lie there whole.
class Http2FrameReader {
public:
    // Each function returns whether to go on.
    class Events {
    public:
        // The header of a frame has come, of which at most kHttp2MaxPayload bytes follow.
        virtual bool on_frame_begin(const Http2FrameHeader& header) = 0;
        // A piece of a DATA frame, without padding, perhaps empty. The callee may change the bytes.
        virtual bool on_data(std::span<char> piece, Http2FrameReader& reader) = 0;
        // Any other frame, whole, with its padding.
        virtual bool on_frame(const Http2FrameHeader& header, std::string_view payload) = 0;
        // No frame may be like this: the connection cannot go on.
        virtual void on_bad_frame(Http2Error error, std::string_view reason) = 0;

    protected:
        ~Events() = default;
    };

    // Takes the next bytes, cut anywhere. After an event that does not want to go on, no more may come. Throws
    // std::bad_alloc.
    void receive(std::span<char> bytes, Events& events);

    // In on_data(): this piece is the last one of its frame.
    [[nodiscard]] bool is_at_end() const noexcept { return missing_ == 0; }
    // Bytes of the frame at hand that have not come, with its padding.
    [[nodiscard]] std::uint32_t missing() const noexcept { return missing_; }
    [[nodiscard]] const Http2FrameHeader& header() const noexcept { return header_; }
    // A frame that is not DATA has begun, and is not whole: its sender owes the rest.
    [[nodiscard]] bool is_inside() const noexcept {
        return begun_ > 0 || (is_in_frame_ && header_.type != Http2FrameType::kData);
    }
    [[nodiscard]] std::size_t held_bytes() const noexcept { return collected_.capacity(); }

private:
    // Each takes what it can of `bytes`, and returns the rest.
    bool read_header(std::span<char>& bytes, Events& events);
    bool read_data(std::span<char>& bytes, Events& events);
    bool read_frame(std::span<char>& bytes, Events& events);

    Http2FrameHeader header_;
    std::uint32_t missing_ = 0;
    std::uint32_t padding_ = 0;
    std::uint8_t begun_ = 0;  // bytes of a header that was cut
    bool is_in_frame_ = false;
    bool wants_padding_ = false;  // the byte that says how much is still to come
    std::array<char, Http2FrameHeader::kBytes> first_;
    std::string collected_;
};

}  // namespace c10k::wire
