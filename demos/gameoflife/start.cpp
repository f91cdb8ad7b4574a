#include "gameoflife/start.hpp"

#include <c10k/manage.hpp>

#include <fstream>
#include <limits>
#include <sstream>

namespace life {

namespace {

// What a cell takes in its program; in the server it takes about as much again.
constexpr std::size_t kBytesOfACell = 2500;

}  // namespace

const std::filesystem::path& patterns_folder() {
    static const std::filesystem::path kFolder = std::filesystem::path{C10K_DEMOS_DIR} / "gameoflife/patterns";
    return kFolder;
}

Room Room::available(Connections connections) {
    constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
    Room room{.connections = connections == Connections::kOwn ? c10k::connection_limit() : kNoLimit, .bytes = kNoLimit};
    std::ifstream file{"/proc/meminfo"};
    for (std::string line; std::getline(file, line);) {
        std::istringstream words{line};
        std::string name;
        std::size_t kibibytes = 0;
        if (words >> name >> kibibytes && name == "MemAvailable:") {
            room.bytes = kibibytes * 1024;
        }
    }
    return room;
}

std::string refusal(int size, Edges edges, const Room& room) {
    if (size < 1 || size > kMaxSize) {
        return "the size must be from 1 to " + std::to_string(kMaxSize);
    }
    if (edges == Edges::kWrapped && size < kMinWrappedSize) {
        return "a wrapped grid needs a size of at least " + std::to_string(kMinWrappedSize) +
               ": take a larger size, or a flat grid (--no-wrap)";
    }
    const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
    const std::string needs = "a grid of size " + std::to_string(size) + " needs " + std::to_string(cells);
    if (cells > room.connections) {
        return needs + " connections, and the program that runs the cells may hold " +
               std::to_string(room.connections) +
               ": take a smaller size, or raise its limit of open files (ulimit -n); with --backend io_uring that "
               "limit does not matter, and with --http2 the cells share connections";
    }
    if (cells > room.bytes / kBytesOfACell) {
        return needs + " connections of at least " + std::to_string(kBytesOfACell) + " bytes, and the machine has " +
               std::to_string(room.bytes >> 20) + " MiB of memory left: take a smaller size";
    }
    return "";
}

}  // namespace life
