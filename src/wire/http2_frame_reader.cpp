#include "wire/http2_frame_reader.hpp"

#include <algorithm>
#include <utility>

namespace c10k::wire {

void Http2FrameReader::receive(std::span<char> bytes, Events& events) {
    while (!bytes.empty()) {
        if (!is_in_frame_ && !read_header(bytes, events)) {
            return;
        }
        const bool goes_on =
            header_.type == Http2FrameType::kData ? read_data(bytes, events) : read_frame(bytes, events);
        if (!goes_on) {
            return;
        }
    }
}

// Returns whether there is one, and it may go on.
bool Http2FrameReader::read_header(std::span<char>& bytes, Events& events) {
    if (begun_ == 0 && bytes.size() >= first_.size()) {
        header_ = Http2FrameHeader::read(bytes.data());
        bytes = bytes.subspan(first_.size());
    } else {
        const std::size_t taken = std::min(first_.size() - begun_, bytes.size());
        std::memcpy(first_.data() + begun_, bytes.data(), taken);
        begun_ = static_cast<std::uint8_t>(begun_ + taken);
        bytes = bytes.subspan(taken);
        if (begun_ < first_.size()) {
            return false;
        }
        begun_ = 0;
        header_ = Http2FrameHeader::read(first_.data());
    }
    if (header_.length > kHttp2MaxPayload) {
        events.on_bad_frame(Http2Error::kFrameSizeError, "a frame longer than SETTINGS_MAX_FRAME_SIZE");
        return false;
    }
    is_in_frame_ = true;
    missing_ = header_.length;
    padding_ = 0;
    wants_padding_ = header_.type == Http2FrameType::kData && header_.has(http2_flag::kPadded);
    return events.on_frame_begin(header_);
}

bool Http2FrameReader::read_data(std::span<char>& bytes, Events& events) {
    if (wants_padding_) {
        if (missing_ == 0) {
            events.on_bad_frame(Http2Error::kFrameSizeError, "a padded frame without the length of its padding");
            return false;
        }
        if (bytes.empty()) {
            return true;
        }
        wants_padding_ = false;
        padding_ = static_cast<std::uint8_t>(bytes.front());
        --missing_;
        bytes = bytes.subspan(1);
        if (padding_ > missing_) {
            events.on_bad_frame(Http2Error::kProtocolError, "padding longer than its frame");
            return false;
        }
    }
    if (bytes.empty() && missing_ > 0) {
        return true;
    }
    const std::size_t taken = std::min<std::size_t>(bytes.size(), missing_);
    const std::size_t data = std::min<std::size_t>(taken, missing_ - std::min(missing_, padding_));
    const std::span<char> piece = bytes.first(data);
    bytes = bytes.subspan(taken);
    missing_ -= static_cast<std::uint32_t>(taken);
    is_in_frame_ = missing_ > 0;
    return events.on_data(piece, *this);
}

bool Http2FrameReader::read_frame(std::span<char>& bytes, Events& events) {
    const std::size_t taken = std::min<std::size_t>(bytes.size(), missing_);
    const std::string_view piece{bytes.data(), taken};
    bytes = bytes.subspan(taken);
    missing_ -= static_cast<std::uint32_t>(taken);
    if (missing_ > 0) {
        collected_ += piece;
        return true;
    }
    is_in_frame_ = false;
    if (collected_.empty()) {
        return events.on_frame(header_, piece);
    }
    std::string whole = std::exchange(collected_, {});
    whole += piece;
    return events.on_frame(header_, whole);
}

}  // namespace c10k::wire
