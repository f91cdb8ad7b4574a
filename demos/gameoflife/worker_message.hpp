#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace life {

// A worker sent a message that it may not send: the text goes back to it with 1008.
class BadMessage : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// One message of a worker: "sub", "ROW COL" or "STEP ROW COL STATE".
struct WorkerMessage {
    enum class Kind : std::uint8_t { kSub, kNeighbour, kState };

    static constexpr std::size_t kMaxBytes = 64;

    Kind kind = Kind::kSub;
    std::uint64_t step = 0;
    int row = 0;
    int col = 0;
    int state = 0;  // 0 or 1

    // Throws BadMessage unless `text` is such a message for a grid of `size` x `size`.
    static WorkerMessage parse(std::string_view text, int size);
};

}  // namespace life
