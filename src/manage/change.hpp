#pragma once

#include "manage/build_record.hpp"

#include <filesystem>

namespace c10k {

// The consequence of a changed file of a project.
enum class Change {
    kNone,
    kStyle,     // open pages load their style sheets again
    kPage,      // open pages are loaded again
    kSettings,  // the program starts again
    kProgram,   // the program is built again, and starts again
};

// `record` knows which files the build reads, whatever their names. A path that ends with "/" is that of a folder that
// was removed.
[[nodiscard]] Change change_of(const std::filesystem::path& file, const BuildRecord& record);

}  // namespace c10k
