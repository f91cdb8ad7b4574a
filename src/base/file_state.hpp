#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace c10k {

// A file's state, as far as the kernel tells without reading it. Writing the file changes its state, and so does
// replacing it with another one, however old. Linking it or changing its mode does so, too.
struct FileState {
    // More than one step of the kernel's clock that files' times are read from, in ns: it has steps of up to 10 ms.
    static constexpr std::int64_t kClockStepNs = 20'000'000;

    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    std::int64_t modified_ns = 0;  // any writer of the file may set it
    std::int64_t changed_ns = 0;   // by the kernel's clock

    // Follows symbolic links. Nothing if there is no such file.
    static std::optional<FileState> of(const std::filesystem::path& file);

    // False while another write may leave the state as it is, within a step of the kernel's clock.
    [[nodiscard]] bool is_settled() const noexcept;

    bool operator==(const FileState&) const = default;
};

}  // namespace c10k
