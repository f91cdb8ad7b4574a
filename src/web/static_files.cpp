#include "c10k/web.hpp"
#include "web/plain_path.hpp"

#include <algorithm>
#include <fcntl.h>
#include <linux/openat2.h>
#include <optional>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;

class Descriptor {
public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    [[nodiscard]] int get() const noexcept { return number_; }

private:
    int number_;
};

// Whether the kernel finds a regular file without leaving the folder (openat2(2)). It says no to links with an absolute
// path, wherever they lead, and a sandbox may forbid the call.
bool is_beneath(const fs::path& folder, const std::string& file) {
    const Descriptor root{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH;
    const Descriptor found{static_cast<int>(::syscall(SYS_openat2, root.get(), file.c_str(), &how, sizeof how))};
    struct stat status {};
    return found.get() >= 0 && ::fstat(found.get(), &status) == 0 && S_ISREG(status.st_mode);
}

// The path of a file inside a folder. Empty if it is none or lies elsewhere.
std::optional<fs::path> find_inside(const fs::path& folder, std::string_view file) {
    if (is_beneath(folder, std::string{file})) {
        return folder / file;
    }
    std::error_code error;
    const fs::path root = fs::canonical(folder, error);
    if (error) {
        return std::nullopt;
    }
    const fs::path found = fs::canonical(root / file, error);
    if (error || !fs::is_regular_file(found, error)) {
        return std::nullopt;
    }
    const auto [end, parted] = std::mismatch(root.begin(), root.end(), found.begin(), found.end());
    return end == root.end() && parted != found.end() ? std::optional{found} : std::nullopt;
}

}  // namespace

Response StaticFiles::serve(const Request& request, std::string_view file) const {
    for (auto folder = folders_.begin(); is_plain_path(file) && folder != folders_.end(); ++folder) {
        if (const auto found = find_inside(*folder, file)) {
            return Response::file(request, *found);
        }
    }
    throw NotFound("no static file " + std::string{file});
}

}  // namespace c10k
