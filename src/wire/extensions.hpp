#pragma once

#include "c10k/compression.hpp"
#include "c10k/http.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Sec-WebSocket-Extensions (RFC 6455, 9), and the one extension that we know: permessage-deflate (RFC 7692, 7.1).
namespace c10k::wire {

// An extension as one side names it.
struct Extension {
    struct Parameter {
        std::string_view name;
        std::optional<std::string> value;  // without quotes
    };

    std::string_view name;
    std::vector<Parameter> parameters;
};

// All that the fields name, in their order; it points into `headers`. The work grows with their length only. Empty if
// one of them is no list of extensions: then the handshake fails (RFC 6455, 9.1).
[[nodiscard]] std::optional<std::vector<Extension>> parse_extensions(const Headers& headers);

inline constexpr std::string_view kExtensionsField = "Sec-WebSocket-Extensions";
inline constexpr std::string_view kPermessageDeflate = "permessage-deflate";

// The parameters of permessage-deflate in an offer, or in the answer, on which both sides agree.
struct DeflateParameters {
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    std::optional<std::uint8_t> server_max_window_bits = {};
    // In an offer: the client can limit its window, and to that. Without a value on the wire it is 15.
    std::optional<std::uint8_t> client_max_window_bits = {};

    friend bool operator==(const DeflateParameters&, const DeflateParameters&) = default;
};

inline constexpr std::uint8_t kMaxWindowBits = 15;

// The member of Sec-WebSocket-Extensions.
[[nodiscard]] std::string to_text(const DeflateParameters& parameters);
// The field with these offers.
[[nodiscard]] std::string to_text(std::span<const DeflateParameters> offers);

// The server's side.

// The first offer of permessage-deflate whose parameters are known, valid and not repeated. The server declines the
// others.
[[nodiscard]] std::optional<DeflateParameters> find_deflate_offer(std::span<const Extension> offers);

// The answer to `offer`: no more than either side wants. Requires: ours.is_on().
[[nodiscard]] DeflateParameters answer_deflate(const DeflateParameters& offer, const Compression& ours);

// The client's side.

// The offers in order of preference (RFC 7692, 5.1): the one that the client wants, and then one that every server
// which compresses can accept, because some refuse a handshake when they can accept no offer. Requires: ours.is_on().
[[nodiscard]] std::vector<DeflateParameters> offer_deflate(const Compression& ours);

// The server's answer settles one of `offers`. The client itself does no more than the first of them says. Empty if the
// server answers none of them: the handshake has failed.
[[nodiscard]] std::optional<DeflateParameters> read_deflate_answer(const Extension& answer,
                                                                   std::span<const DeflateParameters> offers);

}  // namespace c10k::wire
