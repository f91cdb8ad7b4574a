#include "gameoflife/start.hpp"

#include <c10k/manage.hpp>

#include <cstddef>

namespace life {

const std::filesystem::path& patterns_folder() {
    static const std::filesystem::path kFolder = std::filesystem::path{C10K_DEMOS_DIR} / "gameoflife/patterns";
    return kFolder;
}

std::string refusal(int size, Edges edges) {
    if (size < 1 || size > kMaxSize) {
        return "the size must be from 1 to " + std::to_string(kMaxSize);
    }
    if (edges == Edges::kWrapped && size < kMinWrappedSize) {
        return "a wrapped grid needs a size of at least " + std::to_string(kMinWrappedSize) +
               ": take a larger size, or a flat grid (--no-wrap)";
    }
    const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
    if (cells > c10k::connection_limit()) {
        return "a grid of size " + std::to_string(size) + " needs " + std::to_string(cells) +
               " connections, and the program that runs the cells may hold " +
               std::to_string(c10k::connection_limit()) +
               ": take a smaller size, or raise its limit of open files (ulimit -n); with --backend io_uring that "
               "limit does not matter";
    }
    return "";
}

}  // namespace life
