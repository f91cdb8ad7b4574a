#pragma once

#include "c10k/limits.hpp"
#include "wire/http_failure.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// HTTP/1.0 and 1.1 as bytes (RFC 9112), strict: it refuses everything that two parsers could read in two ways.
namespace c10k::wire {

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

// Lets the memory go too: the assignment of a short string would keep the buffer of a long one.
template <class Reader>
void renew(Reader& reader, Reader fresh) {
    static_assert(std::is_nothrow_move_constructible_v<Reader>);
    std::destroy_at(&reader);
    std::construct_at(&reader, std::move(fresh));
}

}  // namespace c10k::wire
