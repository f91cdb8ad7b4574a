#pragma once

#include "require.hpp"
#include "wire/frame.hpp"
#include "wire/http2_frame.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace c10k::fuzz {

// Reads, by code of its own, the frames that one side of an HTTP/2 connection sends: whole ones in their order (RFC
// 9113, 4.1).
class Http2Reading {
public:
    explicit Http2Reading(wire::Role says)
        : preface_left_(says == wire::Role::kClient ? wire::kHttp2Preface.size() : 0) {}

    // Calls `take` with the header and the payload of each frame that is whole now.
    template <class Take>
    void receive(std::string_view bytes, const Take& take) {
        const std::size_t skipped = std::min(preface_left_, bytes.size());
        preface_left_ -= skipped;
        unread_ += bytes.substr(skipped);
        std::string_view rest = unread_;
        while (rest.size() >= wire::Http2FrameHeader::kBytes) {
            const auto header = wire::Http2FrameHeader::read(rest.data());
            if (rest.size() < wire::Http2FrameHeader::kBytes + header.length) {
                break;
            }
            take(header, rest.substr(wire::Http2FrameHeader::kBytes, header.length));
            rest.remove_prefix(wire::Http2FrameHeader::kBytes + header.length);
        }
        unread_.erase(0, unread_.size() - rest.size());
    }

private:
    std::size_t preface_left_;
    std::string unread_;
};

// The rules for all that our side sends, whatever the peer does: each frame is well formed, DATA fits into the windows
// that the peer has given, and nothing follows the end of a stream or of the connection.
class Http2Model {
public:
    explicit Http2Model(wire::Role ours)
        : ours_(ours), peers_(ours == wire::Role::kClient ? wire::Role::kServer : wire::Role::kClient) {}

    // The peer has sent bytes, which may be no frames at all.
    void peer_sends(std::string_view bytes) {
        peers_.receive(bytes, [this](const wire::Http2FrameHeader& header, std::string_view payload) {
            if (header.type == wire::Http2FrameType::kWindowUpdate && payload.size() == 4) {
                windows_[header.stream] += wire::read_u32(payload.data()) & wire::kHttp2MaxStreamId;
            } else if (header.type == wire::Http2FrameType::kSettings && !header.has(wire::http2_flag::kAck)) {
                ++settings_;
                for (; payload.size() >= 6; payload.remove_prefix(6)) {
                    if (payload.substr(0, 2) == std::string_view{"\0\4", 2}) {
                        largest_window_ = std::max<std::int64_t>(largest_window_, wire::read_u32(payload.data() + 2));
                    }
                }
            } else if (header.type == wire::Http2FrameType::kPing && !header.has(wire::http2_flag::kAck)) {
                ++pings_;
            }
        });
    }
    void we_send(std::string_view bytes) {
        ours_.receive(bytes, [this](const wire::Http2FrameHeader& header, std::string_view payload) {
            require(header.length <= wire::kHttp2MaxPayload, "we send no frame that is too long");
            require(std::exchange(has_begun_, true) || header.type == wire::Http2FrameType::kSettings,
                    "SETTINGS come first");
            require(!has_failed_, "nothing follows a GOAWAY with an error");
            require((header.type == wire::Http2FrameType::kContinuation) == (in_head_ != 0) &&
                        (in_head_ == 0 || in_head_ == header.stream),
                    "nothing comes inside a head");
            check(header, payload);
        });
    }

private:
    struct Stream {
        std::int64_t sent = 0;
        bool has_head = false;
        bool has_ended = false;
        bool is_reset = false;
    };

    void check(const wire::Http2FrameHeader& header, std::string_view payload) {
        using Type = wire::Http2FrameType;
        const bool is_of_connection =
            header.type == Type::kSettings || header.type == Type::kPing || header.type == Type::kGoaway;
        require((header.stream == 0) == is_of_connection || header.type == Type::kWindowUpdate,
                "a frame is of a stream or of the connection");
        switch (header.type) {
            case Type::kData: check_data(header); break;
            case Type::kHeaders: {
                Stream& stream = streams_[header.stream];
                require(!stream.has_ended && !stream.is_reset, "no head follows the end of its stream");
                require(header.stream % 2 == 1, "clients open streams");
                stream.has_head = true;
                stream.has_ended = header.has(wire::http2_flag::kEndStream);
                in_head_ = header.has(wire::http2_flag::kEndHeaders) ? 0 : header.stream;
                break;
            }
            case Type::kContinuation: in_head_ = header.has(wire::http2_flag::kEndHeaders) ? 0 : in_head_; break;
            case Type::kRstStream:
                require(payload.size() == 4 && wire::read_u32(payload.data()) <= 13, "a RST_STREAM has a code");
                streams_[header.stream].is_reset = true;
                break;
            case Type::kSettings:
                require(!header.has(wire::http2_flag::kAck) || (payload.empty() && --settings_ >= 0),
                        "we acknowledge the peer's SETTINGS once");
                break;
            case Type::kPing:
                require(payload.size() == 8 && (!header.has(wire::http2_flag::kAck) || --pings_ >= 0),
                        "we answer each PING once");
                break;
            case Type::kGoaway:
                require(payload.size() == 8, "a GOAWAY says why");
                has_failed_ = wire::read_u32(payload.data() + 4) != 0;
                break;
            case Type::kWindowUpdate:
                require(payload.size() == 4 && wire::read_u32(payload.data()) - 1 < wire::kHttp2MaxStreamId,
                        "a WINDOW_UPDATE gives something");
                require(header.stream == 0 || !streams_[header.stream].is_reset, "a reset stream has no window");
                break;
            default: require(false, "we send no other frames");
        }
    }

    void check_data(const wire::Http2FrameHeader& header) {
        Stream& stream = streams_[header.stream];
        require(stream.has_head && !stream.has_ended && !stream.is_reset, "DATA belong to a stream that is open");
        stream.sent += header.length;
        sent_ += header.length;
        require(stream.sent <= largest_window_ + windows_[header.stream], "DATA fit into the stream's window");
        require(sent_ <= wire::kHttp2InitialWindow + windows_[0], "DATA fit into the connection's window");
        stream.has_ended = header.has(wire::http2_flag::kEndStream);
    }

    Http2Reading ours_;
    Http2Reading peers_;
    std::map<std::uint32_t, Stream> streams_;
    std::map<std::uint32_t, std::int64_t> windows_;  // that the peer has given beyond the first ones; 0: the connection
    std::int64_t largest_window_ = wire::kHttp2InitialWindow;
    std::int64_t sent_ = 0;
    int settings_ = 0;
    int pings_ = 0;
    std::uint32_t in_head_ = 0;
    bool has_begun_ = false;
    bool has_failed_ = false;
};

}  // namespace c10k::fuzz
