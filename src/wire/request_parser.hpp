#pragma once

#include "c10k/http.hpp"
#include "c10k/limits.hpp"
#include "wire/chunk_reader.hpp"
#include "wire/head_reader.hpp"
#include "wire/http_failure.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace c10k::wire {

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
    // Takes bytes up to the end of the head, in the state kHead; returns how many. In the state kBody the caller goes
    // on: with receive() if the body is to be whole, in the request and no larger than max_body_bytes, or with
    // receive_piece().
    std::size_t receive_head(std::string_view bytes);
    // Takes bytes of the body, in the state kBody; returns how many. Appends their data to `piece`: the body has no
    // limit, and none of it is in the request. A failure leaves the request as it is, for its view.
    std::size_t receive_piece(std::string_view bytes, std::string& piece);

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
    // "100 Continue" has been sent.
    void note_continue() noexcept { wants_continue_ = false; }
    // How many bytes of the body have not come; empty if it is chunked.
    [[nodiscard]] std::optional<std::uint64_t> missing_bytes() const noexcept {
        return chunked_ ? std::nullopt : std::optional{length_};
    }

    // Makes ready for the next request.
    void reset();

private:
    // Takes bytes of the body, of which a chunk may have `room` bytes at most.
    std::size_t receive_body(std::string_view bytes, std::string& body, std::uint64_t room);
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
    std::uint64_t length_ = 0;  // bytes that are missing of a body that is not chunked
    Request request_;
    HttpFailure failure_{};
};

// The path of a target in origin form, or "*", decoded; empty if the target is malformed.
[[nodiscard]] std::optional<std::string> path_of(std::string_view target);
// An authority as the Host field has it, with no empty port; empty if it is none.
[[nodiscard]] std::optional<std::string_view> host_of(std::string_view authority);

// Whether `c` may stand in a request target: visible ASCII, and no fragment (RFC 9112, 3.2).
[[nodiscard]] constexpr bool is_target_char(char c) noexcept { return c > ' ' && c < '\x7f' && c != '#'; }

}  // namespace c10k::wire
