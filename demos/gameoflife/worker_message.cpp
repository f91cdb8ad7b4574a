#include "gameoflife/worker_message.hpp"

#include <array>
#include <charconv>
#include <span>
#include <string>

namespace life {
namespace {

// The numbers of `text`, which one space parts; returns how many there are.
std::size_t parse_numbers(std::string_view text, std::span<std::uint64_t> numbers) {
    std::size_t count = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (count < numbers.size()) {
        const auto [stopped, error] = std::from_chars(at, end, numbers[count]);
        if (error != std::errc{}) {
            break;
        }
        ++count;
        if (stopped == end) {
            return count;
        }
        if (*stopped != ' ') {
            break;
        }
        at = stopped + 1;
    }
    throw BadMessage("expected 'sub', 'ROW COL' or 'STEP ROW COL STATE'");
}

int coordinate(std::uint64_t number, int size, const char* name) {
    if (number >= static_cast<std::uint64_t>(size)) {
        throw BadMessage(std::string{name} + ' ' + std::to_string(number) + " is outside the grid of size " +
                         std::to_string(size));
    }
    return static_cast<int>(number);
}

}  // namespace

WorkerMessage WorkerMessage::parse(std::string_view text, int size) {
    WorkerMessage message;
    if (text == "sub") {
        return message;
    }
    if (text.size() > kMaxBytes) {
        throw BadMessage("a message has at most 64 bytes");
    }
    std::array<std::uint64_t, 4> numbers{};
    switch (parse_numbers(text, numbers)) {
        case 2:
            message.kind = Kind::kNeighbour;
            message.row = coordinate(numbers[0], size, "row");
            message.col = coordinate(numbers[1], size, "column");
            return message;
        case 4:
            message.kind = Kind::kState;
            message.step = numbers[0];
            message.row = coordinate(numbers[1], size, "row");
            message.col = coordinate(numbers[2], size, "column");
            if (numbers[3] > 1) {
                throw BadMessage("a state is 0 or 1");
            }
            message.state = static_cast<int>(numbers[3]);
            return message;
        default: throw BadMessage("expected 'sub', 'ROW COL' or 'STEP ROW COL STATE'");
    }
}

}  // namespace life
