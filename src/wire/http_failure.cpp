#include "wire/http_failure.hpp"

namespace c10k::wire {

int HttpFailure::status() const noexcept {
    switch (kind) {
        case Kind::kNone:
        case Kind::kMalformed: return 400;
        case Kind::kBodyTooLarge: return 413;
        case Kind::kFirstLineTooLong: return 414;
        case Kind::kUnknownExpectation: return 417;
        case Kind::kHeadTooLarge:
        case Kind::kTooManyFields: return 431;
        case Kind::kUnknownCoding: return 501;
        case Kind::kUnknownVersion: return 505;
    }
    return 400;
}

}  // namespace c10k::wire
