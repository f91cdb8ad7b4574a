#pragma once

#include <cstdint>
#include <string_view>

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

}  // namespace c10k::wire
