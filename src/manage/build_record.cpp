#include "manage/build_record.hpp"

#include "base/digest.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFile = ".c10k-record";
constexpr std::string_view kHeading = "c10k build record 1";

std::int64_t now_ns() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::string digest_of(const fs::path& file) {
    std::ifstream input{file, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{input}, {}};
    const std::array<char, 20> digest = sha1(content);
    return base64_encode({digest.data(), digest.size()});
}

}  // namespace

// One line for each file: INODE BYTES MODIFIED CHANGED DIGEST PATH.
BuildRecord BuildRecord::load(const fs::path& build) {
    BuildRecord record;
    std::ifstream input{build / kFile};
    std::string heading;
    if (!std::getline(input, heading) || heading != kHeading || !(input >> record.time_ns_)) {
        return {};
    }
    File file;
    std::string path;
    while (input >> file.state.inode >> file.state.bytes >> file.state.modified_ns >> file.state.changed_ns >>
               file.digest &&
           input.get() == ' ' && std::getline(input, path)) {
        record.files_[path] = file;
    }
    return record;
}

void BuildRecord::save(const fs::path& build) const {
    const fs::path file = build / kFile;
    const fs::path whole = file.string() + ".new";
    {
        std::ofstream output{whole};
        output << kHeading << '\n' << time_ns_ << '\n';
        for (const auto& [path, known] : files_) {
            output << known.state.inode << ' ' << known.state.bytes << ' ' << known.state.modified_ns << ' '
                   << known.state.changed_ns << ' ' << known.digest << ' ' << path << '\n';
        }
        if (!output.flush()) {
            return;
        }
    }
    std::error_code ignored;  // without a record more is built again than need be
    fs::rename(whole, file, ignored);
}

BuildRecord BuildRecord::renewed(const BuildGraph& graph) const {
    BuildRecord now;
    now.time_ns_ = now_ns() - FileState::kClockStepNs;
    for (const auto& [output, made] : graph.outputs) {
        for (const std::string& file : made.inputs) {
            if (now.files_.contains(file)) {
                continue;
            }
            const std::optional<FileState> state = FileState::of(file);
            const auto known = files_.find(file);
            if (!state) {
                continue;
            }
            if (known != files_.end() && known->second.state == *state) {
                now.files_[file] = known->second;
                continue;
            }
            File& found = now.files_[file];
            found = {*state, digest_of(file)};
            // A write that comes while this reads the file, or in the same tick of the clock, must differ from it.
            if (!state->is_settled() || FileState::of(file) != state) {
                found.state.inode = 0;
            }
        }
    }
    return now;
}

bool BuildRecord::has_name_of(const fs::path& file) const {
    const std::string end = '/' + file.filename().string();
    return std::any_of(files_.begin(), files_.end(), [&](const auto& known) { return known.first.ends_with(end); });
}

bool BuildRecord::is_outdated(const BuildGraph::Output& output, const BuildRecord& now) const {
    return std::any_of(output.inputs.begin(), output.inputs.end(), [&](const std::string& file) {
        const auto found = now.files_.find(file);
        const auto known = files_.find(file);
        if (found == now.files_.end()) {
            return true;  // it is gone
        }
        const std::int64_t changed = found->second.state.changed_ns;
        if (known == files_.end()) {
            return changed >= output.began_ns;
        }
        if (known->second.state == found->second.state) {
            return false;
        }
        if (known->second.digest == found->second.digest) {
            // Perhaps it was another one in between, and others have built it of that.
            return output.changed_ns > time_ns_ && changed >= output.began_ns;
        }
        // Others have built it of the file as it is now if that has changed after our record and before their command.
        return changed >= output.began_ns || changed < time_ns_;
    });
}

std::vector<fs::path> BuildRecord::outdated(const BuildGraph& graph, const BuildRecord& now) const {
    std::vector<fs::path> files;
    for (const auto& [file, output] : graph.outputs) {
        if (is_outdated(output, now)) {
            files.push_back(file);
        }
    }
    return files;
}

}  // namespace c10k
