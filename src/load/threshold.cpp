#include "load/threshold.hpp"

#include "base/text.hpp"
#include "c10k/text.hpp"
#include "load/format.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace c10k::load {
namespace {

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// A number that is not negative, at the beginning of `text`, which keeps the rest.
std::optional<double> take_number(std::string_view& text) {
    double number = 0;
    const auto [stopped, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !is_digit(text.front()) || !std::isfinite(number)) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(stopped - text.data()));
    return number;
}

// The percentile of "p99.9".
std::optional<double> percentile(std::string_view figure) {
    if (!figure.starts_with('p')) {
        return std::nullopt;
    }
    figure.remove_prefix(1);
    const auto number = take_number(figure);
    return number && *number <= 100 && figure.empty() ? number : std::nullopt;
}

}  // namespace

Threshold Threshold::parse(std::string_view text) {
    Threshold threshold;
    threshold.text_ = printable(text);
    const std::size_t sign = text.find_first_of("<>");
    const bool is_equal_too = sign < text.size() - 1 && text[sign + 1] == '=';
    const auto name = sign < text.size() ? parse_name(trim(text.substr(0, sign))) : std::nullopt;
    if (!name) {
        throw std::invalid_argument("'" + threshold.text_ +
                                    "' is no condition: write a figure, < or >, and a limit, such as p99>20ms, "
                                    "handshake.raw.max>1s, errors>0, error-rate>0.1%, rate<950, late>1ms or cpu>80%");
    }
    threshold.name_ = *name;
    threshold.comparison_ = text[sign] == '>' ? (is_equal_too ? Comparison::kAtLeast : Comparison::kMore)
                                              : (is_equal_too ? Comparison::kAtMost : Comparison::kLess);
    const auto limit = parse_limit(trim(text.substr(sign + (is_equal_too ? 2 : 1))), name->unit);
    if (!limit) {
        constexpr std::array<std::string_view, 3> kExamples{"a time, such as 500us, 20ms or 1.5s", "a number",
                                                            "a percentage, such as 0.1%"};
        throw std::invalid_argument("'" + threshold.text_ + "': behind the sign stands " +
                                    std::string{kExamples[static_cast<std::size_t>(name->unit)]});
    }
    threshold.limit_ = *limit;
    return threshold;
}

std::optional<Threshold::Name> Threshold::parse_name(std::string_view text) {
    constexpr std::array<std::string_view, 6> kCounts{"errors", "lost", "failed", "rate", "sent", "answered"};
    Name name;
    for (const std::string_view series : {"reply", "handshake", "session"}) {
        if (text.starts_with(series) && text.substr(series.size()).starts_with('.')) {
            name.series = series;
            text.remove_prefix(series.size() + 1);
        }
    }
    if (text.starts_with("raw.")) {
        name.is_raw = true;
        text.remove_prefix(4);
    }
    name.figure = text;
    if (percentile(text) || text == "max" || text == "mean" || text == "min") {
        return name;
    }
    if (!name.series.empty() || name.is_raw) {
        return std::nullopt;
    }
    if (text == "late") {
        return name;
    }
    name.unit = text == "error-rate" || text == "cpu" ? Unit::kPercent : Unit::kCount;
    const bool is_known =
        name.unit == Unit::kPercent || std::find(kCounts.begin(), kCounts.end(), text) != kCounts.end();
    return is_known ? std::optional{name} : std::nullopt;
}

std::optional<double> Threshold::parse_limit(std::string_view text, Unit unit) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto number = take_number(text);
    if (!number) {
        return std::nullopt;
    }
    text = trim(text);
    if (unit == Unit::kTime) {
        constexpr std::array<std::pair<std::string_view, double>, 4> kUnits{
            {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}}};
        for (const auto& [word, factor] : kUnits) {
            if (text == word) {
                return *number * factor;
            }
        }
        return std::nullopt;
    }
    return text.empty() || (unit == Unit::kPercent && text == "%") ? number : std::nullopt;
}

std::optional<double> Threshold::value(const Outcome& outcome) const {
    const Tally& tally = outcome.tally();
    const std::string& figure = name_.figure;
    if (figure == "late") {
        return tally.late.empty() ? std::nullopt : std::optional{seconds(tally.late.percentile(99))};
    }
    if (name_.unit == Unit::kTime) {
        return time_value(outcome);
    }
    if (figure == "error-rate") {
        return outcome.error_percent();
    }
    if (figure == "cpu") {
        return 100 * outcome.busiest_loop();
    }
    return figure == "errors"   ? static_cast<double>(tally.errors.total())
           : figure == "lost"   ? static_cast<double>(tally.lost)
           : figure == "failed" ? static_cast<double>(tally.failed)
           : figure == "rate"   ? outcome.rate()
           : figure == "sent"   ? static_cast<double>(tally.sent)
                                : static_cast<double>(tally.answered);
}

std::optional<double> Threshold::time_value(const Outcome& outcome) const {
    for (const auto& [name, times] : outcome.times()) {
        if (name_.series.empty() || name_.series == name) {
            const bool is_raw = name_.is_raw || !outcome.plan().is_open_model();
            const Histogram& histogram = is_raw ? times.raw : times.corrected;
            if (histogram.empty()) {
                return std::nullopt;
            }
            const auto percent = percentile(name_.figure);
            return seconds(percent                  ? histogram.percentile(*percent)
                           : name_.figure == "max"  ? histogram.max()
                           : name_.figure == "mean" ? histogram.mean()
                                                    : histogram.min());
        }
    }
    return std::nullopt;
}

bool Threshold::is_failed(const Outcome& outcome) const {
    const auto is = value(outcome);
    if (!is) {
        return true;
    }
    switch (comparison_) {
        case Comparison::kMore: return *is > limit_;
        case Comparison::kAtLeast: return *is >= limit_;
        case Comparison::kLess: return *is < limit_;
        case Comparison::kAtMost: return *is <= limit_;
    }
    return true;
}

std::string Threshold::explain(const Outcome& outcome) const {
    const auto is = value(outcome);
    if (!is) {
        return text_ + ": there was nothing to measure";
    }
    switch (name_.unit) {
        case Unit::kTime: return text_ + ": it was " + time_text(Duration{static_cast<std::int64_t>(*is * 1e9)});
        case Unit::kPercent: return text_ + ": it was " + decimal_text(*is, 2) + " %";
        case Unit::kCount: return text_ + ": it was " + decimal_text(*is, name_.figure == "rate" ? 1 : 0);
    }
    return text_;
}

}  // namespace c10k::load
