#pragma once

#include <cstddef>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// A regular file that is open for reading. It stays the same file if another takes its name.
class OpenFile {
public:
    // Throws NotFound if there is no regular file of that path, and std::runtime_error if it cannot be opened.
    explicit OpenFile(const std::string& path);
    // Opens a file below a folder, if the kernel finds it without leaving the folder (openat2(2)). It says no to links
    // with an absolute path, wherever they lead, and a sandbox may forbid the call. Requires: is_plain_path(file); that
    // is not checked, since the caller asks for each of its folders.
    static std::optional<OpenFile> find_beneath(const std::filesystem::path& folder, std::string_view file);
    OpenFile(OpenFile&& other) noexcept;
    OpenFile& operator=(OpenFile&&) = delete;
    ~OpenFile();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    // When it was opened.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const std::timespec& modified() const noexcept { return modified_; }

    // The bytes from `offset` on. Throws std::runtime_error if there are not so many.
    [[nodiscard]] std::string read(std::size_t offset, std::size_t size) const;
    void read(std::size_t offset, char* to, std::size_t size) const;

private:
    // Takes the descriptor over.
    OpenFile(std::string path, int descriptor) noexcept;

    // Returns whether it is a regular file.
    [[nodiscard]] bool examine() noexcept;

    std::string path_;
    int descriptor_;
    std::size_t size_ = 0;
    std::timespec modified_{};
};

}  // namespace c10k
