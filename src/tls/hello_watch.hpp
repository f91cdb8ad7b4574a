#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace c10k {

// Looks at a client's handshake before OpenSSL does, through its records, however small they are (RFC 8446, 4 and 5.1).
//
// OpenSSL allocates up to 128 KiB as soon as a ClientHello announces so much; the longest that a client needs has 2
// KiB.
class HelloWatch {
public:
    // The types of records (RFC 8446, 5.1).
    static constexpr std::uint8_t kChangeCipherSpec = 20;
    static constexpr std::uint8_t kHandshake = 22;
    // A message of the handshake has fewer bytes.
    static constexpr std::uint32_t kMaxMessageBytes = 16 * 1024;

    enum class Finding : std::uint8_t {
        kNothing,
        kTooLong,     // a message announces more than any client needs
        kOutOfPlace,  // a record of another type comes before the ClientHello's end or inside a message, or an empty
                      // one
    };

    // Looks at the bytes up to the end of a record or up to a finding, and returns how many these are. The byte that
    // announces too much is not among them.
    std::size_t look(std::span<const char> bytes) noexcept;

    [[nodiscard]] Finding finding() const noexcept { return finding_; }
    // Nothing has come yet.
    [[nodiscard]] bool is_fresh() const noexcept { return phase_ == 0 && !has_hello_ && message_phase_ == 0; }
    // The type of the last record.
    [[nodiscard]] std::uint8_t type() const noexcept { return type_; }
    // The peer encrypts from now on, so stop looking.
    void stop() noexcept { stopped_ = true; }

private:
    void look_at_header(std::uint8_t byte) noexcept;
    [[nodiscard]] bool announces_too_much(std::uint8_t byte) noexcept;
    void skip(std::uint32_t bytes) noexcept;

    std::uint32_t message_left_ = 0;
    std::uint16_t record_left_ = 0;
    std::uint8_t phase_ = 0;          // bytes of the record's header that were there
    std::uint8_t message_phase_ = 0;  // and of the message's
    std::uint8_t type_ = 0;
    Finding finding_ = Finding::kNothing;
    bool has_hello_ = false;
    bool stopped_ = false;
};

}  // namespace c10k
