#include "base/read_file.hpp"

#include <fstream>
#include <iterator>
#include <utility>

namespace c10k {

std::optional<std::string> read_file(const std::filesystem::path& file) {
    std::ifstream input{file, std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{input}, {}};
    return input ? std::optional{std::move(bytes)} : std::nullopt;
}

}  // namespace c10k
