#include "wire/violation.hpp"

#include "c10k/close_code.hpp"

#include <utility>

namespace c10k::wire {
namespace {

std::pair<std::uint16_t, std::string_view> describe(Violation::Kind kind) noexcept {
    switch (kind) {
        case Violation::kNone: break;
        case Violation::kReservedBits: return {CloseCode::kProtocolError, "reserved bits are set"};
        case Violation::kReservedOpcode: return {CloseCode::kProtocolError, "reserved opcode"};
        case Violation::kFragmentedControl: return {CloseCode::kProtocolError, "control frame in fragments"};
        case Violation::kUnexpectedMessage: return {CloseCode::kProtocolError, "new message inside a message"};
        case Violation::kUnexpectedContinuation: return {CloseCode::kProtocolError, "continuation of no message"};
        case Violation::kUnmaskedFrame: return {CloseCode::kProtocolError, "client frame without a mask"};
        case Violation::kMaskedFrame: return {CloseCode::kProtocolError, "server frame with a mask"};
        case Violation::kLongControl: return {CloseCode::kProtocolError, "control frame over 125 bytes"};
        case Violation::kLongLength: return {CloseCode::kProtocolError, "frame length of 64 bits"};
        case Violation::kPaddedLength: return {CloseCode::kProtocolError, "frame length not in its shortest form"};
        case Violation::kHalfCloseCode: return {CloseCode::kProtocolError, "close frame with half a code"};
        case Violation::kInvalidCloseCode: return {CloseCode::kProtocolError, "invalid close code"};
        case Violation::kTextNotUtf8: return {CloseCode::kInvalidData, "text is not UTF-8"};
        case Violation::kTextCut: return {CloseCode::kInvalidData, "text ends inside a character"};
        case Violation::kReasonNotUtf8: return {CloseCode::kInvalidData, "close reason is not UTF-8"};
        case Violation::kCorruptCompression: return {CloseCode::kInvalidData, "compressed data is corrupt"};
        case Violation::kTooManyFragments: return {CloseCode::kPolicyViolation, "too many fragments"};
        case Violation::kMessageTooBig: return {CloseCode::kMessageTooBig, "message too big"};
        case Violation::kFragmentTooBig: return {CloseCode::kMessageTooBig, "fragment too big"};
    }
    return {CloseCode::kAbnormal, {}};
}

}  // namespace

std::uint16_t Violation::code() const noexcept { return describe(kind_).first; }
std::string_view Violation::text() const noexcept { return describe(kind_).second; }

}  // namespace c10k::wire
