#pragma once

#include <filesystem>
#include <optional>

namespace c10k {

// Where the running program comes from: found by the CMakeCache.txt of the build folder that it lies in.
struct Project {
    std::filesystem::path source;   // the folder of the top CMakeLists.txt
    std::filesystem::path build;    // the build folder
    std::filesystem::path program;  // the program itself, inside it

    // The project of this process; nothing if it was installed, or copied, or built without CMake.
    static std::optional<Project> of_this_program();
    // The same of any program.
    static std::optional<Project> of(const std::filesystem::path& program);
};

}  // namespace c10k
