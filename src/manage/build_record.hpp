#pragma once

#include "base/file_state.hpp"
#include "manage/build_graph.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace c10k {

// How the files were that a build folder's outputs are made of. It lies in the build folder. Build tools compare times,
// and so they miss a file that is saved while it is being compiled, or replaced by an older one; this compares files.
class BuildRecord {
public:
    // The one that is saved in the build folder; an empty one if there is none.
    static BuildRecord load(const std::filesystem::path& build);
    void save(const std::filesystem::path& build) const;

    // The current state of all inputs of `graph`. Reads only files whose state differs from this record's.
    [[nodiscard]] BuildRecord renewed(const BuildGraph& graph) const;

    // The outputs that may have been made from other inputs than `now` has, assuming that all of them were right for
    // this record; without those that other programs have built since.
    [[nodiscard]] std::vector<std::filesystem::path> outdated(const BuildGraph& graph, const BuildRecord& now) const;

    // Whether the build has read it, or another file of this name: a new one may be meant instead from now on.
    [[nodiscard]] bool has_name_of(const std::filesystem::path& file) const;

private:
    struct File {
        FileState state;
        std::string digest;  // of the content
    };

    [[nodiscard]] bool is_outdated(const BuildGraph::Output& output, const BuildRecord& now) const;

    std::int64_t time_ns_ = 0;           // before the files were looked at
    std::map<std::string, File> files_;  // by their paths
};

}  // namespace c10k
