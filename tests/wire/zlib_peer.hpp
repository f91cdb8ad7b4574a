#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>

// permessage-deflate made and read by zlib alone, without the code under test (RFC 7692, 7.2).
namespace c10k::wire {

// Compresses the messages of one side.
class ZlibSender {
public:
    explicit ZlibSender(int window_bits = 15, int level = 6) {
        EXPECT_EQ(deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    }
    ZlibSender(const ZlibSender&) = delete;
    ZlibSender& operator=(const ZlibSender&) = delete;
    ~ZlibSender() { deflateEnd(&stream_); }

    // The payload of a message.
    std::string message(std::string_view payload) {
        std::string bytes = part(payload, Z_SYNC_FLUSH);
        EXPECT_TRUE(bytes.ends_with(std::string_view("\0\0\xFF\xFF", 4)));
        bytes.resize(bytes.size() - 4);
        return bytes;
    }
    // What comes out for a part of a payload, up to such a flush.
    std::string part(std::string_view payload, int flush) {
        std::string bytes;
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
        stream_.avail_in = static_cast<uInt>(payload.size());
        do {
            char room[4096];
            stream_.next_out = reinterpret_cast<Bytef*>(room);
            stream_.avail_out = sizeof room;
            deflate(&stream_, flush);
            bytes.append(room, sizeof room - stream_.avail_out);
        } while (stream_.avail_out == 0);
        return bytes;
    }
    void reset() { deflateReset(&stream_); }

private:
    z_stream stream_{};
};

// Inflates the messages of one side, and has no more of them than the window.
class ZlibReceiver {
public:
    explicit ZlibReceiver(int window_bits = 15) { EXPECT_EQ(inflateInit2(&stream_, -window_bits), Z_OK); }
    ZlibReceiver(const ZlibReceiver&) = delete;
    ZlibReceiver& operator=(const ZlibReceiver&) = delete;
    ~ZlibReceiver() { inflateEnd(&stream_); }

    // The message with this payload; nothing if it is corrupt.
    std::optional<std::string> message(std::string_view payload) {
        const std::string bytes = std::string(payload) + std::string("\0\0\xFF\xFF", 4);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        std::string message;
        for (;;) {
            char byte = 0;  // one at a time: what lies in a larger buffer could be referred to beyond the window
            stream_.next_out = reinterpret_cast<Bytef*>(&byte);
            stream_.avail_out = 1;
            const int status = inflate(&stream_, Z_NO_FLUSH);
            message.append(&byte, 1 - stream_.avail_out);
            if (status == Z_BUF_ERROR) {
                return message;
            }
            if (status != Z_OK) {
                return std::nullopt;
            }
        }
    }
    void reset() { inflateReset(&stream_); }

private:
    z_stream stream_{};
};

}  // namespace c10k::wire
