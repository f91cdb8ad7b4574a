#include "manage/file_limit.hpp"

#include "c10k/manage.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace c10k {
namespace {

// Standard streams, epoll, listeners, files that are served.
constexpr std::size_t kOwnFiles = 64;

}  // namespace

std::size_t raise_file_limit() noexcept {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}

std::size_t connection_limit() {
    const std::size_t files = raise_file_limit();
    return files - std::min(files, kOwnFiles);
}

}  // namespace c10k
