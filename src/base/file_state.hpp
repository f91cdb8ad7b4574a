#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace c10k {

// How a file is, as far as the kernel tells without reading it. A file that is written, or replaced by another one
// however old that is, has another state. One that is only linked or whose mode changes has another state, too.
struct FileState {
    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    std::int64_t modified_ns = 0;  // whoever writes the file may set it
    std::int64_t changed_ns = 0;   // by the kernel's clock

    // Follows symbolic links. Nothing if there is no such file.
    static std::optional<FileState> of(const std::filesystem::path& file);

    // False while another write may leave the state as it is: the kernel's clock moves in steps of up to 10 ms.
    [[nodiscard]] bool is_settled() const noexcept;

    bool operator==(const FileState&) const = default;
};

}  // namespace c10k
