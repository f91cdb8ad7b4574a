#include "live/connection_query.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace c10k {
namespace {

struct Unit {
    std::string_view suffix;
    double factor;
};

// A letter means more bytes or messages; of times, which are in milliseconds, it is a unit, and seconds are the
// default.
constexpr std::array kAmounts{Unit{"k", 1e3}, Unit{"M", 1e6}, Unit{"m", 1e6}, Unit{"G", 1e9}, Unit{"", 1}};
constexpr std::array kTimes{Unit{"ms", 1},    Unit{"min", 6e4},  Unit{"s", 1e3}, Unit{"m", 6e4},
                            Unit{"h", 3.6e6}, Unit{"d", 8.64e7}, Unit{"", 1e3}};

template <std::size_t count>
std::optional<double> parse_amount(std::string_view text, const std::array<Unit, count>& units) {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    const std::string_view suffix{stopped, static_cast<std::size_t>(end - stopped)};
    const auto unit =
        std::find_if(units.begin(), units.end(), [suffix](const Unit& each) { return each.suffix == suffix; });
    return error == std::errc{} && unit != units.end() ? std::optional{number * unit->factor} : std::nullopt;
}

}  // namespace

ConnectionQuery::ConnectionQuery(std::string_view text, std::uint32_t loops) : loops_(loops) {
    while (!(text = trim(text)).empty() && words_.size() < kMostWords) {
        const std::size_t end = std::min(text.find(' '), text.size());
        words_.push_back(parse(text.substr(0, end)));
        text.remove_prefix(end);
    }
}

ConnectionQuery::Word ConnectionQuery::parse(std::string_view word) {
    constexpr std::array<std::pair<std::string_view, Field>, 11> kFields{{{"id", Field::kId},
                                                                          {"route", Field::kRoute},
                                                                          {"path", Field::kPath},
                                                                          {"peer", Field::kPeer},
                                                                          {"loop", Field::kLoop},
                                                                          {"age", Field::kAge},
                                                                          {"in", Field::kIn},
                                                                          {"out", Field::kOut},
                                                                          {"queued", Field::kQueued},
                                                                          {"memory", Field::kMemory},
                                                                          {"idle", Field::kIdle}}};
    Word anywhere{.text = std::string{word}};
    const std::size_t sign = word.find_first_of(":<>");
    if (sign == std::string_view::npos || sign + 1 == word.size()) {
        return anywhere;
    }
    const std::string_view name = word.substr(0, sign);
    const std::string_view value = word.substr(sign + 1);
    const auto field =
        std::find_if(kFields.begin(), kFields.end(), [name](const auto& each) { return each.first == name; });
    if (field == kFields.end()) {
        return anywhere;
    }
    if (word[sign] == ':') {
        return {field->second, Test::kContains, std::string{value}};
    }
    const bool is_time = field->second == Field::kAge || field->second == Field::kIdle;
    const auto number = is_time ? parse_amount(value, kTimes) : parse_amount(value, kAmounts);
    return number ? Word{field->second, word[sign] == '>' ? Test::kMore : Test::kLess, {}, *number} : anywhere;
}

bool ConnectionQuery::matches(const ConnectionView& connection) const {
    return std::all_of(words_.begin(), words_.end(), [&](const Word& word) { return fits(word, connection); });
}

bool ConnectionQuery::fits(const Word& word, const ConnectionView& connection) const {
    const auto contains = [&word](std::string_view text) { return text.find(word.text) != std::string_view::npos; };
    const auto compares = [&word](auto number) {
        const auto value = static_cast<double>(number);
        return word.test == Test::kContains ? std::to_string(number) == word.text
               : word.test == Test::kMore   ? value > word.number
                                            : value < word.number;
    };
    switch (word.field) {
        case Field::kAny:
            return contains(connection.route) || contains(connection.path) || contains(connection.peer) ||
                   contains(connection.id.text(loops_));
        case Field::kId: return contains(connection.id.text(loops_));
        case Field::kRoute: return contains(connection.route);
        case Field::kPath: return contains(connection.path);
        case Field::kPeer: return contains(connection.peer);
        case Field::kLoop: return compares(connection.id.loop + 1);
        case Field::kAge: return compares(connection.age);
        case Field::kIn: return compares(connection.received);
        case Field::kOut: return compares(connection.sent);
        case Field::kQueued: return compares(connection.queued);
        case Field::kMemory: return compares(connection.memory);
        case Field::kIdle: return compares(connection.idle);
    }
    return false;
}

}  // namespace c10k
