#include "base/file_state.hpp"

#include <chrono>
#include <sys/stat.h>

namespace c10k {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * kNanoseconds + time.tv_nsec; }

}  // namespace

std::optional<FileState> FileState::of(const std::filesystem::path& file) {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) {
        return std::nullopt;
    }
    return FileState{found.st_ino, static_cast<std::uint64_t>(found.st_size), nanoseconds(found.st_mtim),
                     nanoseconds(found.st_ctim)};
}

bool FileState::is_settled() const noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t age = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() - changed_ns;
    return age > kClockStepNs || age < -kClockStepNs;
}

}  // namespace c10k
