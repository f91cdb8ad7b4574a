#include "manage/memory_file.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace c10k {

MemoryFile::MemoryFile() : descriptor_(::memfd_create("c10k", MFD_CLOEXEC)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::system_category(), "memfd_create");
    }
}

MemoryFile::~MemoryFile() { ::close(descriptor_); }

void MemoryFile::clear() const noexcept { (void)!::ftruncate(descriptor_, 0); }

}  // namespace c10k
