#include "base/file_lock.hpp"

#include <cerrno>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace c10k {

FileLock::~FileLock() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

bool FileLock::try_lock() noexcept { return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }

void FileLock::lock() {
    while (::flock(descriptor_, LOCK_EX) != 0) {
        if (errno != EINTR) {
            throw std::system_error(errno, std::system_category(), "flock");
        }
    }
}

}  // namespace c10k
