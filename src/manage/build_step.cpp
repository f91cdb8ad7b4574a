#include "manage/build_step.hpp"

#include "base/file_lock.hpp"
#include "manage/build_graph.hpp"
#include "manage/build_record.hpp"
#include "manage/folder_tree.hpp"
#include "manage/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace c10k {
namespace {

namespace fs = std::filesystem;

// A build that changes its own sources each time never ends otherwise.
constexpr int kMaxRounds = 4;

// Locks a build folder. Programs that the build has started keep the lock, too, until they end.
FileLock lock_build(const fs::path& build) {
    const std::string name = (build / ".lock").string();
    const int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT, 0666);
    if (descriptor < 0) {
        throw std::system_error(errno, std::system_category(), name);
    }
    FileLock lock{descriptor};
    if (!lock.try_lock()) {
        std::fprintf(stderr, "Waiting until another build in that folder ends: it holds %s (see: fuser %s)\n",
                     name.c_str(), name.c_str());
        lock.lock();
    }
    return lock;
}

// A file that exists from the beginning of a build until a build succeeds.
class Unfinished {
public:
    explicit Unfinished(const fs::path& build) : file_(build / ".c10k-unfinished") {}

    void begin() const { std::ofstream{file_}; }
    void end() const {
        std::error_code ignored;
        fs::remove(file_, ignored);
    }
    [[nodiscard]] bool is_there() const {
        std::error_code ignored;
        return fs::exists(file_, ignored);
    }

private:
    fs::path file_;
};

// In our process group, so that a signal to it ends the whole build. Returns whether it succeeded.
bool run(std::vector<std::string> command) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (std::string& word : command) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::execvp(arguments[0], arguments.data());
        std::perror(arguments[0]);
        ::_exit(127);
    }
    int status = 1;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && status == 0;
}

// Makes the tool build it again, although its time is the newest.
void let_go(const fs::path& output, const Project& project, const BuildGraph& graph) {
    if (output == project.program || output == graph.configuration) {
        // They are needed until there are others. To Ninja a time of 0 means that there is no such file.
        const std::array<timespec, 2> past{timespec{1, 0}, timespec{1, 0}};
        ::utimensat(AT_FDCWD, output.c_str(), past.data(), 0);
        return;
    }
    std::error_code ignored;
    // A folder of the build folder may be a link to one elsewhere, which is not ours to change.
    if (lies_in(fs::weakly_canonical(project.build, ignored), fs::weakly_canonical(output.parent_path(), ignored))) {
        fs::remove(output, ignored);
    }
}

bool is_input(const BuildGraph& graph, const fs::path& file) {
    return std::any_of(graph.outputs.begin(), graph.outputs.end(),
                       [&file](const auto& entry) { return entry.second.inputs.contains(file.string()); });
}

// Outputs of which an input has the name of a new file: of one among `changed` that nothing is made of yet.
std::vector<fs::path> shadowed(const BuildGraph& graph, const std::set<fs::path>& changed) {
    std::vector<std::string> ends;  // of the paths of files with such names
    for (const fs::path& file : changed) {
        if (!is_input(graph, file)) {
            ends.push_back('/' + file.filename().string());
        }
    }
    std::vector<fs::path> files;
    for (const auto& [file, output] : graph.outputs) {
        const bool may_be = std::any_of(output.inputs.begin(), output.inputs.end(), [&ends](const std::string& input) {
            return std::any_of(ends.begin(), ends.end(),
                               [&input](const std::string& end) { return input.ends_with(end); });
        });
        if (may_be && file != graph.configuration) {
            files.push_back(file);
        }
    }
    return files;
}

// Ninja makes the configuration again and again as long as one of its inputs is younger, which may be from the future.
void age_configuration(const Project& project, const BuildGraph& graph) {
    const auto output = graph.outputs.find(graph.configuration);
    const auto made = FileState::of(graph.configuration);
    if (output == graph.outputs.end() || !made) {
        return;
    }
    std::int64_t youngest = made->modified_ns;
    for (const std::string& input : output->second.inputs) {
        const auto state = FileState::of(input);
        youngest = std::max(youngest, state ? state->modified_ns : 0);
    }
    if (youngest != made->modified_ns && graph.configuration.filename() == "build.ninja") {
        constexpr std::int64_t kNanoseconds = 1'000'000'000;
        const timespec time{youngest / kNanoseconds, youngest % kNanoseconds};
        const std::array<timespec, 2> times{time, time};
        ::utimensat(AT_FDCWD, graph.configuration.c_str(), times.data(), 0);
        (void)output_of({build_tool(project.build, "ninja"), "-C", project.build, "-t", "restat", "build.ninja"});
    }
}

bool run_tool(const Project& project, const BuildGraph& graph, bool has_new_configuration) {
    if (has_new_configuration) {
        if (!run({"cmake", "-S", project.source, "-B", project.build})) {
            return false;
        }
        age_configuration(project, graph);
    }
    return run({"cmake", "--build", project.build, "--target", project.program.filename()});
}

}  // namespace

BuildEnd build(const Project& project, const std::set<fs::path>& changed) {
    const FileLock lock = lock_build(project.build);
    const Unfinished unfinished{project.build};
    unfinished.begin();
    BuildRecord record = BuildRecord::load(project.build);
    BuildEnd end = BuildEnd::kUpToDate;
    for (int round = 0;; ++round) {
        const BuildGraph graph = BuildGraph::of(project.build);
        BuildRecord now = record.renewed(graph);
        std::vector<fs::path> outdated = record.outdated(graph, now);
        if (round > 0 && (outdated.empty() || round == kMaxRounds)) {
            if (outdated.empty()) {
                now.save(project.build);
            } else {
                std::puts("The sources keep changing while they are built: this is made of an earlier state of them.");
                std::fflush(stdout);
            }
            if (end == BuildEnd::kUpToDate) {
                unfinished.end();
            }
            return end;
        }
        if (round == 0) {
            const std::vector<fs::path> others = shadowed(graph, changed);
            outdated.insert(outdated.end(), others.begin(), others.end());
        }
        bool has_new_configuration = false;
        for (const fs::path& output : outdated) {
            let_go(output, project, graph);
            has_new_configuration = has_new_configuration || output == graph.configuration;
        }
        end = run_tool(project, graph, has_new_configuration) ? BuildEnd::kUpToDate : BuildEnd::kFailed;
        // let_go() has removed the outputs that the tool did not build again: the rest was built from these files, or
        // from later ones.
        record = std::move(now);
        record.save(project.build);
    }
}

BuildEnd check_build(const Project& project) {
    const FileLock lock = lock_build(project.build);
    const BuildRecord record = BuildRecord::load(project.build);
    const BuildGraph graph = BuildGraph::of(project.build);
    const BuildRecord now = record.renewed(graph);
    if (Unfinished{project.build}.is_there() || !record.outdated(graph, now).empty()) {
        return BuildEnd::kOutdated;
    }
    now.save(project.build);
    return BuildEnd::kUpToDate;
}

}  // namespace c10k
