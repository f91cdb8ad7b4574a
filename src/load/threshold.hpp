#pragma once

#include "load/outcome.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace c10k::load {

// A condition under which a run counts as failed: "p99>20ms", "handshake.raw.max >= 1s", "errors>0".
class Threshold {
public:
    // Throws std::invalid_argument with a text for the user.
    static Threshold parse(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    // The value that it looks at, in seconds if it is a time; empty if the run has none.
    [[nodiscard]] std::optional<double> value(const Outcome& outcome) const;
    // A run without the value fails, too: nothing shows that it kept the limit.
    [[nodiscard]] bool is_failed(const Outcome& outcome) const;
    // "p99>20ms: it was 31.2 ms"
    [[nodiscard]] std::string explain(const Outcome& outcome) const;

private:
    enum class Comparison { kMore, kAtLeast, kLess, kAtMost };
    enum class Unit { kTime, kCount, kPercent };
    struct Name {
        std::string series;  // "reply"; empty for the first of the run
        bool is_raw = false;
        std::string figure;  // "p99", "max", "errors"
        Unit unit = Unit::kTime;
    };

    static std::optional<Name> parse_name(std::string_view text);
    static std::optional<double> parse_limit(std::string_view text, Unit unit);
    [[nodiscard]] std::optional<double> time_value(const Outcome& outcome) const;

    std::string text_;
    Name name_;
    Comparison comparison_ = Comparison::kMore;
    double limit_ = 0;
};

}  // namespace c10k::load
