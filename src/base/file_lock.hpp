#pragma once

#include <utility>

namespace c10k {

// A lock among processes on an open file or folder (flock(2)), which it closes. Processes that inherit the descriptor
// hold the lock as well.
class FileLock {
public:
    // `descriptor` is -1 if the file could not be opened: then there is no lock to be had.
    explicit FileLock(int descriptor) noexcept : descriptor_(descriptor) {}
    ~FileLock();
    FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileLock& operator=(FileLock&&) = delete;

    // Returns whether it has the lock now.
    bool try_lock() noexcept;
    // Waits for the lock. Throws std::system_error.
    void lock();

private:
    int descriptor_;
};

}  // namespace c10k
