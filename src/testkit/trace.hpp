#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace c10k::testkit {

// A digest of everything that happens on a network in memory, event after event: two runs with the same number were the
// same run. On request, each event is also a line on standard error.
class Trace {
public:
    enum class Lines { kNone, kStandardError };

    explicit Trace(Lines lines) noexcept : lines_(lines) {}

    // Notes that at `now` ms the event `what` happened to a socket, with these bytes.
    void note(std::int64_t now, std::uint32_t slot, std::uint32_t generation, std::string_view what,
              std::string_view bytes);

    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

private:
    void add(std::uint64_t number) noexcept;
    void add(std::string_view bytes) noexcept;

    Lines lines_;
    std::optional<std::int64_t> begin_;  // the time of the first event, from which the lines count
    std::uint64_t hash_ = 0;
};

}  // namespace c10k::testkit
