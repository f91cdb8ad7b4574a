#include "manage/project.hpp"

#include <fstream>
#include <string_view>
#include <system_error>

namespace c10k {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> source_of(const fs::path& cache) {
    constexpr std::string_view kEntry = "CMAKE_HOME_DIRECTORY:INTERNAL=";
    std::ifstream lines{cache};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(kEntry)) {
            return line.substr(kEntry.size());
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<Project> Project::of_this_program() {
    std::error_code ignored;
    return of(fs::read_symlink("/proc/self/exe", ignored));
}

std::optional<Project> Project::of(const fs::path& program) {
    for (fs::path folder = program.parent_path(); folder != folder.parent_path(); folder = folder.parent_path()) {
        if (const auto source = source_of(folder / "CMakeCache.txt");
            source && fs::exists(*source / "CMakeLists.txt")) {
            return Project{*source, folder, program};
        }
    }
    return std::nullopt;
}

}  // namespace c10k
