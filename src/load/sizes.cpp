#include "load/sizes.hpp"

#include "base/text.hpp"
#include "c10k/text.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>

namespace c10k::load {
namespace {

constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;  // of a message
constexpr std::size_t kMaxAllBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxMessages = 1000;
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";
static_assert(kLetters.size() == 64);

std::string random_payload(std::size_t size, Message::Kind kind, std::mt19937_64& generator) {
    std::string payload(size, '\0');
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < size; ++i, bits >>= 8U) {
        bits = i % 8 == 0 ? generator() : bits;
        payload[i] = kind == Message::Kind::kText ? kLetters[bits % kLetters.size()] : static_cast<char>(bits);
    }
    return payload;
}

}  // namespace

Sizes Sizes::parse(std::string_view text) {
    Sizes sizes;
    sizes.text_ = text;
    for (const std::string_view part : split_list(text)) {
        sizes.parts_.push_back(parse_part(part, text));
    }
    if (sizes.parts_.empty()) {
        throw std::invalid_argument("'" + printable(text) + "' names no size: write 64, 16-1024 or 16:9,1024:1");
    }
    return sizes;
}

Sizes::Part Sizes::parse_part(std::string_view text, std::string_view all) {
    const std::size_t colon = text.find(':');
    const std::string_view range = text.substr(0, colon);
    const std::size_t dash = range.find('-');
    const auto from = to_number<std::size_t>(range.substr(0, dash));
    const auto to = dash == std::string_view::npos ? from : to_number<std::size_t>(range.substr(dash + 1));
    const auto weight = colon == std::string_view::npos ? std::optional<std::uint32_t>{1}
                                                        : to_number<std::uint32_t>(text.substr(colon + 1));
    if (!from || !to || !weight || *weight == 0 || *from > *to || *to > kMaxBytes) {
        throw std::invalid_argument("'" + printable(all) + "' is not bytes of at most " + std::to_string(kMaxBytes) +
                                    ": write 64, 16-1024 or 16:9,1024:1");
    }
    return {*from, *to, static_cast<double>(*weight)};
}

std::size_t Sizes::min() const noexcept {
    return std::min_element(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.from < b.from; })
        ->from;
}

std::size_t Sizes::max() const noexcept {
    return std::max_element(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.to < b.to; })->to;
}

std::size_t Sizes::at(double share) const {
    const double all = std::accumulate(parts_.begin(), parts_.end(), 0.0,
                                       [](double sum, const Part& part) { return sum + part.weight; });
    double rest = share * all;
    for (const Part& part : parts_) {
        if (rest < part.weight) {
            return part.from +
                   static_cast<std::size_t>(rest / part.weight * static_cast<double>(part.to - part.from + 1));
        }
        rest -= part.weight;
    }
    return parts_.back().to;
}

std::vector<Message> Sizes::messages(Message::Kind kind) const {
    const std::size_t count = std::clamp<std::size_t>(kMaxAllBytes / std::max<std::size_t>(max(), 1), 2, kMaxMessages);
    std::mt19937_64 generator{count};
    std::vector<Message> messages;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t size = at((static_cast<double>(i) + 0.5) / static_cast<double>(count));
        messages.emplace_back(kind, random_payload(size, kind, generator));
    }
    std::shuffle(messages.begin(), messages.end(), generator);
    return messages;
}

}  // namespace c10k::load
