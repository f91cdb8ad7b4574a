#pragma once

#include "c10k/http.hpp"
#include "c10k/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// HTTP/1.0 and 1.1 as bytes (RFC 9112), strict: it refuses everything that two parsers could read in two ways.
namespace c10k::wire {

// Why a message was not understood.
struct HttpFailure {
    enum class Kind : std::uint8_t {
        kNone,
        kMalformed,
        kFirstLineTooLong,    // the limit first_line
        kHeadTooLarge,        // head, also by what stands between the chunks of a body
        kTooManyFields,       // fields
        kBodyTooLarge,        // body
        kUnknownCoding,       // a Transfer-Encoding that is not "chunked"
        kUnknownExpectation,  // an Expect that is not "100-continue"
        kUnknownVersion,      // not HTTP/1
    };

    Kind kind = Kind::kNone;
    std::string_view reason;  // for a human; lives as long as the program

    // The status that a server answers with before it closes. Requires: the kind is not kNone.
    [[nodiscard]] int status() const noexcept;
};

// Collects a head out of pieces. It refuses, at the first byte, everything that no head may hold: control characters, a
// CR or LF alone, a line that begins with space (an obsolete fold), too much of anything.
class HeadReader {
public:
    // Takes bytes up to the end of the head; returns how many.
    std::size_t receive(std::string_view bytes, const HttpLimits& limits);

    [[nodiscard]] bool whole() const noexcept { return whole_; }
    [[nodiscard]] bool failed() const noexcept { return failure_.kind != HttpFailure::Kind::kNone; }
    [[nodiscard]] const HttpFailure& failure() const noexcept { return failure_; }
    // Whether a byte has arrived.
    [[nodiscard]] bool started() const noexcept { return size_ > 0; }
    // The lines with their ends.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    void take(char c, const HttpLimits& limits);
    void end_line(const HttpLimits& limits);
    void keep(std::string_view bytes, const HttpLimits& limits);
    void fail(HttpFailure::Kind kind, std::string_view reason) noexcept { failure_ = {kind, reason}; }

    std::string text_;
    std::size_t size_ = 0;   // bytes taken
    std::size_t line_ = 0;   // bytes of the open line
    std::size_t lines_ = 0;  // that ended
    bool after_cr_ = false;
    bool whole_ = false;
    HttpFailure failure_{};
};

// Takes the chunked coding off a body (RFC 9112, 7.1), byte by byte and without a buffer. Checks and drops extensions
// and trailer fields; the limit of the head bounds their size.
class ChunkReader {
public:
    // Appends the data in `bytes` to `body`; returns how many bytes it took.
    std::size_t receive(std::string_view bytes, std::string& body, const HttpLimits& limits);

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

    void take(char c, std::size_t room, const HttpLimits& limits);
    void take_size(char c, const HttpLimits& limits);
    void take_extension(char c);
    void take_quoted(char c);
    void end_size(char c, std::size_t room);
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

// A target in absolute form begins with its scheme.
enum class TargetScheme : std::uint8_t { kNone, kHttp, kHttps };

// Reads the requests of one connection, one after the other.
//
// Between requests it holds no memory but itself; within one, no more than the limits allow.
class RequestParser {
public:
    enum class State : std::uint8_t { kHead, kBody, kComplete, kFailed };

    // With the default limits.
    RequestParser();
    // The limits outlive the parser.
    explicit RequestParser(const HttpLimits& limits) noexcept : limits_(&limits) {}
    explicit RequestParser(HttpLimits&& limits) = delete;

    // Takes bytes up to the end of the request; returns how many. The rest belongs to the next request, or, after a
    // handshake, to the WebSocket. Takes nothing more once the request is complete or has failed.
    std::size_t receive(std::string_view bytes);

    [[nodiscard]] State state() const noexcept { return state_; }
    // Requires: the state is kFailed.
    [[nodiscard]] const HttpFailure& failure() const noexcept { return failure_; }
    // Whether a byte of this request has arrived: from then on the client is owed an answer.
    [[nodiscard]] bool started() const noexcept { return state_ != State::kHead || head_.started(); }

    // The request as far as it has arrived: all but the body from kBody on. An absolute-form target has become origin
    // form and its authority the Host field (RFC 9112, 3.2.2). The caller may move it out once it is complete.
    [[nodiscard]] Request& request() noexcept { return request_; }
    // The scheme that the target was sent with: if the request came by the other one, it was not meant for this server
    // (RFC 9110, 7.4). kNone: it was sent without.
    [[nodiscard]] TargetScheme scheme() const noexcept { return scheme_; }
    // 0 or 1: of HTTP/1.0 or 1.1, as which a later HTTP/1 is read.
    [[nodiscard]] int minor_version() const noexcept { return minor_version_; }
    // Whether the client allows another request on the connection (RFC 9112, 9.3).
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    // Whether the client waits for "100 Continue" before it sends the body (RFC 9110, 10.1.1).
    [[nodiscard]] bool wants_continue() const noexcept { return wants_continue_; }

    // Makes ready for the next request.
    void reset();

private:
    std::size_t receive_head(std::string_view bytes);
    std::size_t receive_body(std::string_view bytes);
    void read_head();
    bool read_tokens();
    bool read_target();
    bool read_host();
    bool read_framing();
    bool read_connection();
    // Returns false.
    bool fail(HttpFailure::Kind kind, std::string_view reason);

    const HttpLimits* limits_;
    State state_ = State::kHead;
    bool chunked_ = false;
    bool keep_alive_ = false;
    bool wants_continue_ = false;
    std::uint8_t minor_version_ = 1;
    TargetScheme scheme_ = TargetScheme::kNone;
    HeadReader head_;
    ChunkReader chunks_;
    std::uint64_t length_ = 0;  // of a body that is not chunked
    Request request_;
    HttpFailure failure_{};
};

// Reads the head of the answer to a handshake. Informational answers before it, save 101, are skipped (RFC 9110, 15.2).
class ResponseParser {
public:
    enum class State : std::uint8_t { kHead, kComplete, kFailed };

    // With the default limits.
    ResponseParser();
    // The limits outlive the parser.
    explicit ResponseParser(const HttpLimits& limits) noexcept : limits_(&limits) {}
    explicit ResponseParser(HttpLimits&& limits) = delete;

    // Takes bytes up to the end of the head; returns how many. The rest is the body or, after a 101, the WebSocket's.
    std::size_t receive(std::string_view bytes);

    [[nodiscard]] State state() const noexcept { return state_; }
    // Requires: the state is kFailed.
    [[nodiscard]] std::string_view failure() const noexcept { return failure_; }
    // Requires: the state is kComplete. Its body is empty.
    [[nodiscard]] Response& response() noexcept { return response_; }

private:
    void read_head();
    void fail(std::string_view reason);

    const HttpLimits* limits_;
    State state_ = State::kHead;
    int skipped_ = 0;  // informational answers
    HeadReader head_;
    Response response_;
    std::string_view failure_;
};

// How the client learns where the body ends (RFC 9112, 6.3): by Content-Length, by its last chunk, or by the end of the
// connection. A body that is streamed is sent apart from the head.
enum class Framing : std::uint8_t { kLength, kChunked, kUntilClose };

struct ResponseOptions {
    bool head_only = false;  // the request was HEAD
    bool keep_alive = true;
    int minor_version = 1;       // of the request
    std::string_view date = {};  // for the Date field: a server with a clock must send it (RFC 9110, 6.6.1)
    Framing framing = Framing::kLength;
};

// Whether a response of that status may have content (RFC 9110, 6.4.1; for 205, 15.3.6).
[[nodiscard]] constexpr bool has_body(int status) noexcept {
    return status >= 200 && status != 204 && status != 205 && status != 304;
}

// Throws std::logic_error unless `status` is one that a view may answer with, from 200 to 599: a lower one would not be
// the final response, and after a 101 a proxy passes the connection through.
void require_final(int status);
// Throws std::logic_error unless the status is final and to_bytes() takes the fields.
void require_sendable(const Response& response);

// The bytes of a response, framed as the options say unless its status has no content.
//
// Throws std::logic_error if a field's name is no token, its value holds a control character, or the status is not
// three digits: nothing that a view puts in can end a line (response splitting).
[[nodiscard]] std::string to_bytes(const Response& response, const ResponseOptions& options = {});

// The line before a chunk of `size` bytes; kChunkEnd follows the chunk (RFC 9112, 7.1). Requires: size > 0.
[[nodiscard]] std::string chunk_head(std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Appends "name: value" and the line's end. Throws std::logic_error as to_bytes() does.
void append_field(std::string& bytes, std::string_view name, std::string_view value);

// Whether `c` may stand in a request target: visible ASCII, and no fragment (RFC 9112, 3.2).
[[nodiscard]] constexpr bool is_target_char(char c) noexcept { return c > ' ' && c < '\x7f' && c != '#'; }

// The answer to a client that waits with its body.
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace c10k::wire
