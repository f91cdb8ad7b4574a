#pragma once

#include "c10k/http.hpp"
#include "wire/http2_head.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct nghttp2_hd_deflater;
struct nghttp2_hd_inflater;

namespace c10k::wire {

// The compression of heads in HTTP/2 (RFC 7541), by libnghttp2. Each side of a connection has a table, which all heads
// change: none may be left out.

class HpackDecoder {
public:
    HpackDecoder();
    ~HpackDecoder();

    // Decodes the block of a head, and gives the fields to `head`. Returns false if the block is corrupt: the
    // connection cannot go on. Throws std::bad_alloc, after which the connection cannot go on either.
    //
    // There is no way to decode a part of one: libnghttp2 takes memory for a string when it has read its length, and so
    // 128 KiB for three bytes of a peer that sends no more.
    [[nodiscard]] bool decode(std::string_view block, Http2HeadReader& head);

private:
    struct Free {
        void operator()(nghttp2_hd_inflater* inflater) const noexcept;
    };

    std::unique_ptr<nghttp2_hd_inflater, Free> inflater_;  // made for the first head
};

class HpackEncoder {
public:
    HpackEncoder();
    ~HpackEncoder();

    // The peer's SETTINGS_HEADER_TABLE_SIZE; we use no more than 4096 bytes. Throws std::bad_alloc.
    void set_table_size(std::uint32_t bytes);

    // The block of a head. Names become small letters; fields that belong to a connection are left out (RFC 9113,
    // 8.2.2). Throws std::bad_alloc, and std::logic_error if a field or the status cannot be sent: then nothing has
    // changed.
    [[nodiscard]] std::string encode(const Http2Head& request);
    [[nodiscard]] std::string encode(int status, const Headers& headers);

private:
    struct Free {
        void operator()(nghttp2_hd_deflater* deflater) const noexcept;
    };
    class Fields;

    [[nodiscard]] std::string encode(Fields& fields);
    void make_deflater();

    std::unique_ptr<nghttp2_hd_deflater, Free> deflater_;  // made for the first head that needs it
};

}  // namespace c10k::wire
