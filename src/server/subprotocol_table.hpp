#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// The names of the subprotocols that the WebSockets of a server speak, each kept once: a number is all that a WebSocket
// needs of it. A view may choose any name that its client offers, so that a name goes with the last that speaks it.
class SubprotocolTable {
public:
    using Id = std::uint32_t;
    static constexpr Id kNone = 0;

    // The number of `name`, for one more WebSocket; kNone for "". Throws std::bad_alloc, and then nothing has changed.
    [[nodiscard]] Id take(std::string_view name);
    void release(Id id) noexcept;
    // "" for kNone. Lives until the last WebSocket has released it.
    [[nodiscard]] std::string_view name(Id id) const noexcept;

private:
    struct Entry {
        std::uint32_t uses = 0;
        const std::string* name = nullptr;  // in ids_, whose keys stay where they are
    };

    std::map<std::string, Id, std::less<>> ids_;  // in order, not hashed: decision 10
    std::vector<Entry> entries_;                  // by number, less one
    std::vector<Id> free_;                        // has room for all, so that release() allocates nothing
};

}  // namespace c10k
