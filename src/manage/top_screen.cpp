#include "manage/top_screen.hpp"

#include "c10k/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>

namespace c10k {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLoopsShown = 8;

const Json& member(const Json& json, const char* name) {
    static const Json kNothing;
    return json.is_object() && json.contains(name) ? json[name] : kNothing;
}
double number(const Json& json, const char* name) {
    const Json& value = member(json, name);
    return value.is_number() ? value.get<double>() : 0;
}
std::string text(const Json& json, const char* name) {
    const Json& value = member(json, name);
    return value.is_string() ? printable(value.get<std::string>()) : "";
}

std::string decimal(double value, const char* unit) {
    std::array<char, 48> text;
    std::snprintf(text.data(), text.size(), value < 10 && value != std::floor(value) ? "%.1f%s" : "%.0f%s", value,
                  unit);
    return text.data();
}

// "1,234,567"
std::string count(double value) {
    if (!(value >= 0 && value < 1e15)) {
        return "?";
    }
    std::string digits = std::to_string(static_cast<std::uint64_t>(std::llround(value)));
    for (int place = static_cast<int>(digits.size()) - 3; place > 0; place -= 3) {
        digits.insert(static_cast<std::size_t>(place), ",");
    }
    return digits;
}
std::string bytes(double value) {
    constexpr std::array kUnits{" B", " kB", " MB", " GB", " TB"};
    std::size_t unit = 0;
    for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) {
        value /= 1000;
    }
    return decimal(value, kUnits[unit]);
}
std::string milliseconds(double value) { return value < 1000 ? decimal(value, " ms") : decimal(value / 1000, " s"); }
std::string microseconds_or_dash(const Json& json, const char* name) {
    if (!member(json, name).is_number()) {
        return "-";
    }
    const double value = number(json, name);
    return value < 1000 ? decimal(value, " us") : milliseconds(value / 1000);
}
std::string span(double seconds) {
    const auto minutes = static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e12) / 60);
    if (minutes < 1) {
        return decimal(std::floor(seconds), " s");
    }
    const std::int64_t hours = minutes / 60;
    if (hours < 1) {
        return std::to_string(minutes) + " min";
    }
    return hours < 24 ? std::to_string(hours) + " h " + std::to_string(minutes % 60) + " min"
                      : std::to_string(hours / 24) + " d " + std::to_string(hours % 24) + " h";
}

std::size_t width_of(std::string_view text) {  // in characters: what is printable has no other kinds
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}
std::string cut(std::string_view text, std::size_t columns) {
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end) {
        const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
        if (begins && seen++ == columns) {
            break;
        }
    }
    return std::string{text.substr(0, end)};
}
std::string left(std::string_view text, std::size_t columns) {
    std::string cell = cut(text, columns);
    return cell.append(columns - std::min(width_of(cell), columns), ' ');
}
std::string right(const std::string& text, std::size_t columns) {
    return std::string(columns - std::min(width_of(text), columns), ' ') + text;
}

// The last values as a row of blocks, one a second.
std::string small_plot(const std::deque<double>& values, std::size_t columns) {
    constexpr std::array kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const std::size_t shown = std::min(values.size(), columns);
    const double most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    std::string plot;
    for (std::size_t i = values.size() - shown; i < values.size(); ++i) {
        const double share = most > 0 ? values[i] / most : 0;
        plot += kBlocks[std::min(static_cast<std::size_t>(share * kBlocks.size()), kBlocks.size() - 1)];
    }
    return plot;
}

double worst_delay(const Json& now) {
    double worst = 0;
    for (const Json& delay : member(now, "delays")) {
        worst = std::max(worst, delay.is_number() ? delay.get<double>() : 0);
    }
    return worst;
}

}  // namespace

void TopScreen::hello(const Json& hello) { hello_ = hello; }

void TopScreen::figures(const Json& figures) {
    figures_ = figures;
    trouble_.clear();
    const Json& now = member(figures_, "now");
    for (const auto& [values, value] :
         {std::pair{&messages_, number(now, "in") + number(now, "out")}, std::pair{&delays_, worst_delay(now)}}) {
        values->push_back(value);
        if (values->size() > kKept) {
            values->pop_front();
        }
    }
}

void TopScreen::scroll(int rows) {
    const std::size_t routes = member(figures_, "routes").size();
    const auto wanted = static_cast<std::int64_t>(first_route_) + rows;
    first_route_ = static_cast<std::size_t>(std::clamp<std::int64_t>(wanted, 0, routes > 0 ? routes - 1 : 0));
}

std::string TopScreen::line() const {
    const Json& now = member(figures_, "now");
    const Json& memory = member(now, "memory");
    return count(number(now, "open")) + " connections, " + count(number(now, "in")) + " messages/s in, " +
           count(number(now, "out")) + " out, " + bytes(number(now, "sent")) + "/s sent, delay " +
           milliseconds(worst_delay(now)) + ", queued " + bytes(number(now, "queued")) + ", slow " +
           count(number(now, "slow")) + ", memory " + bytes(number(memory, "all"));
}

std::vector<std::string> TopScreen::totals(std::size_t columns) const {
    constexpr std::size_t kPlotColumn = 46;
    const Json& now = member(figures_, "now");
    const Json& memory = member(now, "memory");
    const std::size_t plot = columns > kPlotColumn ? columns - kPlotColumn : 0;
    const std::string each = member(memory, "each").is_number() ? ", " + bytes(number(memory, "each")) + " each" : "";
    return {
        left("Connections  " + count(number(now, "open")) + "  +" + count(number(now, "accepted")) + " -" +
                 count(number(now, "left")) + " a second",
             kPlotColumn),
        left("Messages/s   " + count(number(now, "in")) + " in, " + count(number(now, "out")) + " out", kPlotColumn) +
            small_plot(messages_, plot),
        left("Bytes/s      " + bytes(number(now, "received")) + " in, " + bytes(number(now, "sent")) + " out",
             kPlotColumn),
        left("Loop delay   " + milliseconds(worst_delay(now)), kPlotColumn) + small_plot(delays_, plot),
        "Queued       " + bytes(number(now, "queued")) + ", " + count(number(now, "slow")) + " slow readers",
        "Memory       " + bytes(number(memory, "all")) + each,
    };
}

std::vector<std::string> TopScreen::loops() const {
    std::vector<std::string> lines{left("Loop", 8) + right("Open", 12) + right("In/s", 12) + right("Out/s", 12) +
                                   right("Delay", 10) + right("Queued", 10)};
    std::size_t index = 0;
    for (const Json& loop : member(figures_, "loops")) {
        if (++index > kLoopsShown) {
            lines.push_back("and " + count(static_cast<double>(member(figures_, "loops").size() - kLoopsShown)) +
                            " more loops");
            break;
        }
        lines.push_back(left(std::to_string(index), 8) + right(count(number(loop, "open")), 12) +
                        right(count(number(loop, "in")), 12) + right(count(number(loop, "out")), 12) +
                        right(milliseconds(number(loop, "delay")), 10) + right(bytes(number(loop, "queued")), 10));
    }
    return lines;
}

std::vector<std::string> TopScreen::routes() const {
    std::vector<std::string> lines{left("Route", 26) + right("Open", 10) + right("In/s", 10) + right("Out/s", 10) +
                                   right("p50", 9) + right("p99", 9) + right("Memory", 9)};
    const Json& names = member(hello_, "routes");
    const Json& routes = member(figures_, "routes");
    for (std::size_t i = first_route_; i < routes.size(); ++i) {
        const std::string name = names.is_array() && i < names.size() ? text(names[i], "route") : "?";
        const Json& now = routes[i];
        const std::string memory = member(now, "memory").is_number() ? bytes(number(now, "memory")) : "-";
        lines.push_back(left(name, 26) + right(count(number(now, "open")), 10) + right(count(number(now, "in")), 10) +
                        right(count(number(now, "out")), 10) + right(microseconds_or_dash(now, "p50"), 9) +
                        right(microseconds_or_dash(now, "p99"), 9) + right(memory, 9));
    }
    return lines;
}

std::vector<std::string> TopScreen::lines(Size size) const {
    std::vector<std::string> lines;
    const Json& now = member(figures_, "now");
    const double up = now.is_object() ? number(now, "at") - number(hello_, "started") : 0;
    lines.push_back("c10k " + text(hello_, "version") + "  " + text(hello_, "address") + "  " +
                    text(hello_, "backend") + "  process " + count(number(hello_, "process")) + "  up " + span(up));
    lines.push_back(trouble_.empty() ? "" : printable(trouble_));
    if (now.is_object()) {
        for (const auto& part :
             {totals(size.columns), std::vector<std::string>{""}, loops(), std::vector<std::string>{""}, routes()}) {
            lines.insert(lines.end(), part.begin(), part.end());
        }
    }
    constexpr const char* kKeys = "q quit   up/down scroll the routes";
    lines.resize(std::max<std::size_t>(size.rows, 2) - 1);
    lines.emplace_back(kKeys);
    for (std::string& line : lines) {
        line = cut(line, size.columns);
    }
    return lines;
}

}  // namespace c10k
