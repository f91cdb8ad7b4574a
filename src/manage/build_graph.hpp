#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace c10k {

// The inputs of each file in a build folder, as the build tool sees them: from Ninja's own tools, or from the
// compiler's dependency files and CMake's makefiles. It leaves out inputs inside the build folder, since the tool
// itself writes them in order.
struct BuildGraph {
    struct Output {
        std::set<std::string> inputs;  // absolute paths: as text, because there may be very many
        // No later than when its command began to read them: by the system's clock, in nanoseconds since 1970.
        std::int64_t began_ns = 0;
        std::int64_t changed_ns = 0;  // when it was written last, by the same clock
    };

    std::map<std::filesystem::path, Output> outputs;  // those that exist
    std::filesystem::path configuration;              // the output that CMake makes: build.ninja or Makefile

    static BuildGraph of(const std::filesystem::path& build);
};

// The program of that build folder's generator, as CMake has found it; `otherwise` if it does not say.
[[nodiscard]] std::string build_tool(const std::filesystem::path& build, std::string otherwise);

}  // namespace c10k
