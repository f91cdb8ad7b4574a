#pragma once

namespace c10k {

// A file in memory without a name in any folder, for programs that inherit its descriptor.
class MemoryFile {
public:
    // Throws std::system_error.
    MemoryFile();
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    void clear() const noexcept;

private:
    int descriptor_;
};

}  // namespace c10k
