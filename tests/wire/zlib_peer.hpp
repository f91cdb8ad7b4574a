#pragma once

#include "wire/zlib_receiver.hpp"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <zlib.h>

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
    // The output for a part of a payload, up to such a flush.
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

}  // namespace c10k::wire
