#pragma once

#include "c10k/http.hpp"
#include "c10k/limits.hpp"
#include "wire/head_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace c10k::wire {

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

}  // namespace c10k::wire
