#include "base/read_file.hpp"

#include <fstream>
#include <iterator>
#include <utility>

namespace c10k {

std::optional<std::string> read_file(const std::filesystem::path& file) {
    std::ifstream input{file, std::ios::binary};
    try {
        std::string bytes{std::istreambuf_iterator<char>{input}, {}};
        return input ? std::optional{std::move(bytes)} : std::nullopt;
    } catch (const std::ios_base::failure&) {  // it is a folder, or the disk fails
        return std::nullopt;
    }
}

}  // namespace c10k
