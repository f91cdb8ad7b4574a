#pragma once

#include "live/connection_facts.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// A search among WebSockets: words that must all fit. `route:/chat/` looks into one column, `queued>64k` and `idle<30s`
// compare, and any other word may stand in any text.
class ConnectionQuery {
public:
    static constexpr std::size_t kMostWords = 16;

    // Words beyond the most are left out.
    ConnectionQuery(std::string_view text, std::uint32_t loops);

    [[nodiscard]] bool matches(const ConnectionView& connection) const;

private:
    enum class Field : std::uint8_t {
        kAny,
        kId,
        kRoute,
        kPath,
        kPeer,
        kLoop,
        kAge,
        kIn,
        kOut,
        kQueued,
        kMemory,
        kIdle
    };
    enum class Test : std::uint8_t { kContains, kMore, kLess };
    struct Word {
        Field field = Field::kAny;
        Test test = Test::kContains;
        std::string text;
        double number = 0;
    };

    [[nodiscard]] static Word parse(std::string_view word);
    [[nodiscard]] bool fits(const Word& word, const ConnectionView& connection) const;

    std::uint32_t loops_;
    std::vector<Word> words_;
};

}  // namespace c10k
