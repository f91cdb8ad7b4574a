#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace life {

// The workers of a game by number: where each one is. A number stays that of its worker until it is freed.
class WorkerTable {
public:
    // `peer` as a request has it, such as "127.0.0.1:54321".
    std::uint32_t add(std::string_view peer, std::size_t loop);
    // The worker leaves.
    void leave(std::uint32_t number) { places_[number].is_connected = 0; }
    // The next worker that comes may have this number: nobody speaks of its old worker any more.
    void free(std::uint32_t number);

    [[nodiscard]] std::string peer(std::uint32_t number) const;
    [[nodiscard]] std::size_t loop(std::uint32_t number) const { return places_[number].loop; }
    [[nodiscard]] bool is_connected(std::uint32_t number) const { return places_[number].is_connected == 1; }

private:
    // Eight bytes: there may be a million of them.
    struct Place {
        std::uint32_t address = 0;  // IPv4; of other peers, the text is among the others
        std::uint16_t port = 0;
        std::uint16_t loop : 14 = 0;
        std::uint16_t is_connected : 1 = 0;
        std::uint16_t is_other : 1 = 0;
    };
    static_assert(sizeof(Place) == 8);

    std::vector<Place> places_;
    std::map<std::uint32_t, std::string> others_;
    std::vector<std::uint32_t> free_;
};

}  // namespace life
