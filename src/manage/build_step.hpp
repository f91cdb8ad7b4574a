#pragma once

#include "manage/project.hpp"

#include <filesystem>
#include <set>

namespace c10k {

// How a build has ended: the exit status of a process that runs build().
enum class BuildEnd {
    kUpToDate = 0,  // the program is made of the files as they are, or were when the last of them was looked at
    kFailed = 1,
    kOutdated = 2,  // of check_build(): something has to be built
};

// Brings the program up to date, and prints the build tool's output. It builds again at once if a file is saved
// meanwhile. One build at a time runs in a build folder: every build takes the same lock. Throws std::exception.
// `changed` are the files that have changed: if one of them is new, an include may mean it instead of another file of
// that name.
[[nodiscard]] BuildEnd build(const Project& project, const std::set<std::filesystem::path>& changed);

// Whether a file has changed since it was built, as far as the build folder's record and times tell, or the last
// build() has not succeeded. Builds nothing.
[[nodiscard]] BuildEnd check_build(const Project& project);

}  // namespace c10k
