#pragma once

#include "c10k/limits.hpp"
#include "wire/http_failure.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace c10k::wire {

// Takes the chunked coding off a body (RFC 9112, 7.1), byte by byte and without a buffer. Checks and drops extensions
// and trailer fields; the limit of the head bounds their size.
class ChunkReader {
public:
    // Appends the data in `bytes` to `body`, which may have max_body_bytes; returns how many bytes it took.
    std::size_t receive(std::string_view bytes, std::string& body, const HttpLimits& limits);
    // The same for a piece of a body: a chunk may have `room` bytes at most.
    std::size_t receive_piece(std::string_view bytes, std::string& piece, std::uint64_t room, const HttpLimits& limits);

    [[nodiscard]] bool whole() const noexcept { return at_ == At::kEnd; }
    [[nodiscard]] bool failed() const noexcept { return failure_.kind != HttpFailure::Kind::kNone; }
    [[nodiscard]] const HttpFailure& failure() const noexcept { return failure_; }

private:
    enum class At : std::uint8_t {
        kSize,
        kBeforeSemicolon,  // of an extension
        kBeforeName,
        kName,
        kAfterName,
        kBeforeValue,
        kValue,
        kQuoted,
        kQuotedPair,
        kAfterQuoted,
        kSizeLf,
        kData,
        kDataCr,
        kDataLf,
        kTrailer,
        kTrailerName,
        kTrailerValue,
        kTrailerLf,
        kLastLf,
        kEnd
    };

    void take(char c, std::uint64_t room, const HttpLimits& limits);
    void take_size(char c, const HttpLimits& limits);
    void take_extension(char c);
    void take_quoted(char c);
    void end_size(char c, std::uint64_t room);
    void take_name(char c, const HttpLimits& limits);
    void take_text(char c, At after_cr);
    void expect(char wanted, char c, At next);
    void count_overhead(HttpFailure::Kind kind, const HttpLimits& limits);
    void fail(HttpFailure::Kind kind, std::string_view reason) noexcept { failure_ = {kind, reason}; }

    At at_ = At::kSize;
    std::uint8_t digits_ = 0;      // of the open chunk size
    std::uint64_t remaining_ = 0;  // bytes of the open chunk
    std::size_t overhead_ = 0;     // bytes of extensions and trailer fields
    HttpFailure failure_{};
};

}  // namespace c10k::wire
