#pragma once

#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <zlib.h>

namespace c10k::wire {

// Inflates the messages of one side, and has no more of them than the window.
class ZlibReceiver {
public:
    explicit ZlibReceiver(int window_bits = 15) {
        if (inflateInit2(&stream_, -window_bits) != Z_OK) {
            throw std::bad_alloc();
        }
    }
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
