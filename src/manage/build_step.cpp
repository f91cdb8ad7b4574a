#include "manage/build_step.hpp"

#include "manage/build_graph.hpp"
#include "manage/build_record.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/prctl.h>
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
constexpr int kMostRounds = 4;

// The lock of a build folder. What the build has started keeps it, too, until it ends.
class FolderLock {
public:
    explicit FolderLock(const fs::path& build) : file_(::open((build / ".lock").c_str(), O_RDWR | O_CREAT, 0666)) {
        while (file_ >= 0 && ::flock(file_, LOCK_EX) != 0) {
            if (errno != EINTR) {
                throw std::system_error(errno, std::system_category(), "lock of the build folder");
            }
        }
        if (file_ < 0) {
            throw std::system_error(errno, std::system_category(), (build / ".lock").string());
        }
    }
    ~FolderLock() { ::close(file_); }
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

private:
    int file_;
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
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        ::execvp(arguments[0], arguments.data());
        std::perror(arguments[0]);
        ::_exit(127);
    }
    int status = 1;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && status == 0;
}

// Has the tool make it again: it would compare times.
void let_go(const fs::path& output, const Project& project, const BuildGraph& graph) {
    if (output == project.program || output == graph.configuration) {
        // They are needed until there are others. To Ninja a time of 0 means that there is no such file.
        const std::array<timespec, 2> past{timespec{1, 0}, timespec{1, 0}};
        ::utimensat(AT_FDCWD, output.c_str(), past.data(), 0);
        return;
    }
    std::error_code ignored;
    fs::remove(output, ignored);
}

bool run_tool(const Project& project, bool has_new_configuration) {
    if (has_new_configuration && !run({"cmake", "-S", project.source, "-B", project.build})) {
        return false;
    }
    return run({"cmake", "--build", project.build, "--target", project.program.filename()});
}

}  // namespace

BuildEnd build(const Project& project) {
    const FolderLock lock{project.build};
    BuildRecord record = BuildRecord::load(project.build);
    BuildEnd end = BuildEnd::kUpToDate;
    for (int round = 0;; ++round) {
        const BuildGraph graph = BuildGraph::of(project.build);
        BuildRecord now = record.renewed(graph);
        const std::vector<fs::path> outdated = record.outdated(graph, now);
        if (round > 0 && (outdated.empty() || round == kMostRounds)) {
            if (outdated.empty()) {
                now.save(project.build);
            } else {
                std::puts("The sources keep changing while they are built: this is made of an earlier state of them.");
                std::fflush(stdout);
            }
            return end;
        }
        bool has_new_configuration = false;
        for (const fs::path& output : outdated) {
            let_go(output, project, graph);
            has_new_configuration = has_new_configuration || output == graph.configuration;
        }
        end = run_tool(project, has_new_configuration) ? BuildEnd::kUpToDate : BuildEnd::kFailed;
        // What could not be built again is gone, so the outputs that there are were made of these files, or of later
        // ones.
        record = std::move(now);
        record.save(project.build);
    }
}

BuildEnd look_at_build(const Project& project) {
    const FolderLock lock{project.build};
    const BuildRecord record = BuildRecord::load(project.build);
    const BuildGraph graph = BuildGraph::of(project.build);
    const BuildRecord now = record.renewed(graph);
    if (!record.outdated(graph, now).empty()) {
        return BuildEnd::kOutdated;
    }
    now.save(project.build);
    return BuildEnd::kUpToDate;
}

}  // namespace c10k
