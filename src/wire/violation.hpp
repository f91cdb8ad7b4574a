#pragma once

#include <cstdint>
#include <string_view>

namespace c10k::wire {

// The rule of RFC 6455 or 7692, or the limit, that a peer broke. Tests as true, unless it is kNone.
class Violation {
public:
    enum Kind : std::uint8_t {
        kNone,

        kReservedBits,
        kReservedOpcode,
        kFragmentedControl,
        kUnexpectedMessage,
        kUnexpectedContinuation,
        kUnmaskedFrame,
        kMaskedFrame,
        kLongControl,
        kLongLength,
        kPaddedLength,
        kHalfCloseCode,
        kInvalidCloseCode,

        kTextNotUtf8,
        kTextCut,
        kReasonNotUtf8,
        kCorruptCompression,

        kTooManyFragments,  // max_fragments
        kMessageTooBig,     // max_message_bytes
        kFragmentTooBig,    // max_fragment_bytes
    };

    constexpr Violation(Kind kind = kNone) noexcept : kind_(kind) {}
    constexpr operator Kind() const noexcept { return kind_; }

    // The code and the reason of the close frame (RFC 6455, 7.4.1). Requires: it is not kNone.
    [[nodiscard]] std::uint16_t code() const noexcept;
    [[nodiscard]] std::string_view text() const noexcept;

private:
    Kind kind_;
};

}  // namespace c10k::wire
