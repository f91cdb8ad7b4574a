#include "gameoflife/worker_table.hpp"

#include <array>
#include <charconv>
#include <optional>

namespace life {

namespace {

struct Ipv4 {
    std::uint32_t address = 0;
    std::uint16_t port = 0;

    [[nodiscard]] std::string text() const {
        std::string text;
        for (int shift = 24; shift >= 0; shift -= 8) {
            text += std::to_string(address >> shift & 0xff) + (shift > 0 ? "." : ":");
        }
        return text + std::to_string(port);
    }
};

// Empty if it is none, or not written as text() does.
std::optional<Ipv4> parse_ipv4(std::string_view peer) {
    std::array<std::uint32_t, 5> numbers{};
    const char* at = peer.data();
    const char* const end = at + peer.size();
    for (std::uint32_t& number : numbers) {
        const auto [stopped, error] = std::from_chars(at, end, number);
        if (error != std::errc{}) {
            return {};
        }
        at = stopped == end ? stopped : stopped + 1;
    }
    const Ipv4 found{.address = numbers[0] << 24 | numbers[1] << 16 | numbers[2] << 8 | numbers[3],
                     .port = static_cast<std::uint16_t>(numbers[4])};
    return found.text() == peer ? std::optional{found} : std::nullopt;
}

}  // namespace

std::uint32_t WorkerTable::add(std::string_view peer, std::size_t loop) {
    std::uint32_t number = 0;
    if (free_.empty()) {
        number = static_cast<std::uint32_t>(places_.size());
        places_.emplace_back();
    } else {
        number = free_.back();
        free_.pop_back();
    }
    Place place;
    if (const auto ipv4 = parse_ipv4(peer)) {
        place.address = ipv4->address;
        place.port = ipv4->port;
    } else {
        place.is_other = 1;
        others_.insert_or_assign(number, std::string{peer});
    }
    place.loop = static_cast<std::uint16_t>(loop);
    place.is_connected = 1;
    places_[number] = place;
    return number;
}

void WorkerTable::free(std::uint32_t number) {
    others_.erase(number);
    free_.push_back(number);
}

std::string WorkerTable::peer(std::uint32_t number) const {
    const Place& place = places_[number];
    return place.is_other ? others_.at(number) : Ipv4{.address = place.address, .port = place.port}.text();
}

}  // namespace life
