#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// The bytes of RFC 6455 that a benchmark sends: made once, never parsed.
namespace benchmarks {

// A text frame of that many payload bytes, as a client sends it: masked.
[[nodiscard]] std::string client_frame(std::size_t payload_bytes);
// The same, as a server sends it.
[[nodiscard]] std::string server_frame(std::size_t payload_bytes);
// Close frames with code 1000.
[[nodiscard]] std::string_view client_close() noexcept;
[[nodiscard]] std::string_view server_close() noexcept;
// The first byte of a close frame.
inline constexpr char kClose = '\x88';

// The answer of a client to a ping. Requires: a payload of fewer than 126 bytes.
[[nodiscard]] std::string client_pong(std::string_view payload);
inline constexpr char kPing = '\x89';

// Without a cookie if that is empty.
[[nodiscard]] std::string upgrade_request(std::string_view path, std::string_view cookie);
// The 101 for it. Requires: `request` is whole.
[[nodiscard]] std::string upgrade_response(std::string_view request);
[[nodiscard]] std::string get_request(std::string_view path);

// How much a socket still has to send of a text that is repeated for ever, and where in the text that begins.
struct Debt {
    std::size_t bytes = 0;
    std::size_t phase = 0;
};

// A text that is repeated for ever: what a load generator says and what a floor answers.
class Repeated {
public:
    explicit Repeated(std::string_view text);

    [[nodiscard]] std::size_t period() const noexcept { return period_; }
    // The bytes to send next, or the first part of them if they are more than 64 KiB and more than the text.
    [[nodiscard]] std::string_view next(const Debt& debt) const noexcept;
    void pay(Debt& debt, std::size_t bytes) const noexcept;

    // Sends what `fd` takes without waiting. A lost connection owes nothing more: recv() will tell of it.
    void send(int fd, Debt& debt) const;

private:
    std::size_t period_;
    std::string copies_;
};

}  // namespace benchmarks
