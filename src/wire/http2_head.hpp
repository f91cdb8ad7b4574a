#pragma once

#include "c10k/http.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace c10k::wire {

// Whether DATA frames may follow a head.
enum class Http2Body : std::uint8_t { kNone, kFollows };

// The head of a request or of a response (RFC 9113, 8.3). All that it says has been checked.
struct Http2Head {
    // ---- Of a request
    std::string method = {};
    std::string scheme = {};     // empty in a CONNECT without a protocol
    std::string authority = {};  // :authority, or the Host field in its place; empty if there was neither
    std::string path = {};       // with the query: "/chat/?user=ann", "*" or, in a CONNECT without a protocol, empty
    std::string protocol = {};   // of an extended CONNECT (RFC 8441, 4): "websocket"

    // ---- Of a response
    int status = 0;

    // The fields, their names in small letters. Without Host; the crumbs of a Cookie are one field (RFC 9113, 8.2.3).
    Headers headers = {};
    // Bytes that the DATA frames have to bring, if a Content-Length says so.
    std::optional<std::uint64_t> content_length = {};

    [[nodiscard]] bool is_websocket() const noexcept { return method == "CONNECT" && protocol == "websocket"; }
};

// Collects the fields of one head in the order in which HPACK brings them, and checks each: RFC 9113, 8.2 and 8.3, and
// RFC 8441.
class Http2HeadReader {
public:
    enum class Kind : std::uint8_t { kRequest, kResponse, kTrailers };
    enum class State : std::uint8_t {
        kGood,
        kMalformed,      // a stream error (RFC 9113, 8.1.1)
        kTooLarge,       // max_bytes
        kTooManyFields,  // max_fields
    };

    // `max_bytes` counts names, values and 32 bytes for each field (RFC 9113, 6.5.2). `websockets`: whether a CONNECT
    // may name a protocol.
    struct Limits {
        std::size_t max_bytes = std::size_t{16} * 1024;
        std::size_t max_fields = 100;
        bool allows_protocol = false;
    };

    Http2HeadReader(Kind kind, const Limits& limits) noexcept : limits_(limits), kind_(kind) {}

    // Keeps nothing more once the state is not kGood. Throws std::bad_alloc.
    void add(std::string_view name, std::string_view value);
    // The head is whole: checks what must be there. Returns the state. Throws std::bad_alloc.
    State finish();

    [[nodiscard]] State state() const noexcept { return state_; }
    // For a human, if the state is not kGood; lives as long as the program.
    [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
    // Requires: finish() has returned kGood. The caller may move it out.
    [[nodiscard]] Http2Head& head() noexcept { return head_; }

private:
    void add_pseudo(std::string_view name, std::string_view value);
    void add_field(std::string_view name, std::string_view value);
    void set(std::string& part, std::string_view value);
    void read_length(std::string_view value);
    void finish_request();
    void fail(State state, std::string_view reason) noexcept;

    Limits limits_;
    Http2Head head_;
    std::string cookie_;
    std::optional<std::string> host_;
    std::size_t bytes_ = 0;
    std::size_t fields_ = 0;
    std::string_view reason_;
    Kind kind_;
    State state_ = State::kGood;
    bool has_fields_ = false;  // after which no pseudo-field may come
};

}  // namespace c10k::wire
