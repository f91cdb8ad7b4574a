#include "manage/change.hpp"

#include "c10k/settings.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace c10k {

namespace fs = std::filesystem;

Change change_of(const fs::path& file, const BuildRecord& record) {
    static const std::set<std::string> kProgramSuffixes{".c",   ".cc",  ".cpp", ".cxx", ".h",    ".hh",
                                                        ".hpp", ".hxx", ".inl", ".ipp", ".cmake"};
    const std::string name = file.filename().string();
    const std::string suffix = file.extension().string();
    // Files that an editor keeps beside its file: ".#view.cpp", "._view.cpp", ".view.cpp.swp", "#view.cpp#",
    // "view.cpp~".
    if (name.starts_with('.') || name.ends_with('#') || name.ends_with('~')) {
        return Change::kNone;
    }
    const bool is_shown = std::any_of(file.begin(), file.end(),
                                      [](const fs::path& part) { return part == "templates" || part == "static"; });
    const bool is_folder = name.empty();
    if (is_folder && !is_shown) {
        return Change::kProgram;
    }
    if (kProgramSuffixes.contains(suffix) || name == "CMakeLists.txt" || record.has_name_of(file)) {
        return Change::kProgram;
    }
    if (name == SettingsReader::kDefaultFile) {
        return Change::kSettings;
    }
    if (suffix == ".css") {
        return Change::kStyle;
    }
    // vim tries whether it may write with a file "4913".
    return is_shown && (is_folder || !suffix.empty()) ? Change::kPage : Change::kNone;
}

}  // namespace c10k
