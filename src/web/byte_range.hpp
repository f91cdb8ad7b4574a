#pragma once

#include "c10k/http.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// `size` bytes of a file, from `first` on.
struct ByteRange {
    std::size_t first = 0;
    std::size_t size = 0;

    // The value of Content-Range in a file of `whole` bytes (RFC 9110, 14.4): "bytes 0-499/8000", and "bytes */8000" if
    // there is no such part.
    [[nodiscard]] std::string content_range(std::size_t whole) const;
};

// The part of a file of `whole` bytes that a GET asks for with its Range (RFC 9110, 14.2); of no bytes if the file has
// none there. Empty if the client gets all of the file: it asks for that, for several parts, or for something else than
// bytes, or it has a part of another version (If-Range, which names the file's ETag or Last-Modified otherwise).
[[nodiscard]] std::optional<ByteRange> requested_range(const Request& request, std::size_t whole, std::string_view etag,
                                                       std::string_view last_modified);

}  // namespace c10k
