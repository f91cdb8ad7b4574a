#include "manage/build_graph.hpp"

#include "base/file_state.hpp"
#include "base/text.hpp"
#include "manage/folder_tree.hpp"
#include "manage/process.hpp"

#include <algorithm>
#include <cctype>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unordered_map>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream input{text};
    for (std::string line; std::getline(input, line);) {
        lines.push_back(std::move(line));
    }
    return lines;
}

std::string text_of(const fs::path& file) {
    std::ifstream input{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{input}, {}};
}

// When the folder was made: nothing in it is older. 0, which is earlier still, if the file system does not say.
std::int64_t birth_of(const fs::path& folder) {
    struct statx found {};
    if (::statx(AT_FDCWD, folder.c_str(), 0, STATX_BTIME, &found) != 0 || (found.stx_mask & STATX_BTIME) == 0) {
        return 0;
    }
    return found.stx_btime.tv_sec * 1'000 * kNanosecondsPerMillisecond + found.stx_btime.tv_nsec;
}

// All generators share this.
class Reader {
public:
    explicit Reader(const fs::path& build) : build_(build), birth_(birth_of(build)) {}

    [[nodiscard]] fs::path absolute(const fs::path& file) const { return (build_ / file).lexically_normal(); }

    // The inputs of an output, to add to; nothing if there is no such file.
    std::set<std::string>* inputs_of(const fs::path& output) {
        const fs::path made = absolute(output);
        const auto known = graph_.outputs.find(made);
        if (known != graph_.outputs.end()) {
            return &known->second.inputs;
        }
        std::error_code error;
        const auto state = FileState::of(made);
        if (!state || !lies_in(build_, made) || !fs::is_regular_file(made, error)) {
            return nullptr;
        }
        return &graph_.outputs.emplace(made, BuildGraph::Output{{}, birth_, state->changed_ns}).first->second.inputs;
    }

    // The absolute path of an input; empty if it lies in the build folder.
    const std::string& input(const std::string& name) {
        auto [known, is_new] = inputs_.try_emplace(name);
        if (is_new) {
            const fs::path file = absolute(name);
            known->second = is_in_build(file.parent_path()) ? "" : file.string();
        }
        return known->second;
    }

    void add(const fs::path& output, const std::string& name) { add(inputs_of(output), name); }
    void add(std::set<std::string>* inputs, const std::string& name) {
        if (const std::string& file = input(name); inputs != nullptr && !file.empty()) {
            inputs->insert(file);
        }
    }

    [[nodiscard]] bool has_input(const std::string& name) const { return inputs_.contains(name); }
    const fs::path& build() const { return build_; }
    BuildGraph& graph() { return graph_; }

private:
    // The build folder may have another name to CMake, by a symbolic link.
    bool is_in_build(const fs::path& folder) {
        auto [known, is_new] = is_in_build_.try_emplace(folder.string());
        if (is_new) {
            std::error_code error;
            known->second = lies_in(build_, folder) || lies_in(build_, fs::weakly_canonical(folder, error));
        }
        return known->second;
    }

    fs::path build_;
    std::int64_t birth_;
    BuildGraph graph_;
    std::unordered_map<std::string, bool> is_in_build_;    // folders
    std::unordered_map<std::string, std::string> inputs_;  // by the names that they were found under
};

// ---- Ninja

class NinjaReader {
public:
    explicit NinjaReader(const fs::path& build) : reader_(build), tool_(build_tool(build, "ninja")) {}

    BuildGraph read() {
        reader_.graph().configuration = reader_.absolute("build.ninja");
        read_dependencies();
        read_explicit_inputs();
        read_log();
        return std::move(reader_.graph());
    }

private:
    [[nodiscard]] std::vector<std::string> ask(std::vector<std::string> question) const {
        question.insert(question.begin(), {tool_, "-C", reader_.build(), "-t"});
        return lines_of(output_of(question));
    }

    // OUTPUT: #deps 2, deps mtime 1700000000 (VALID)
    //     INPUT
    void read_dependencies() {
        std::set<std::string>* inputs = nullptr;
        for (const std::string& line : ask({"deps"})) {
            if (line.starts_with("    ")) {
                reader_.add(inputs, line.substr(4));
            } else if (const std::size_t end = line.find(": #deps "); end != std::string::npos) {
                inputs = reader_.inputs_of(line.substr(0, end));
            }
        }
    }

    // Inputs that a compiler does not report: libraries, and files that CMake or the project's own commands read.
    //
    // FILE:
    //   input: RULE
    //     INPUT, or | INPUT
    //   outputs:
    //     OUTPUT
    void read_explicit_inputs() {
        constexpr std::size_t kMaxArguments = 1000;  // the kernel takes 2 MiB of them (execve(2))
        std::vector<std::string> question{"query", "build.ninja"};
        for (const std::string& input : ask({"inputs", "all"})) {
            if (!reader_.has_input(input) && !reader_.input(input).empty()) {
                question.push_back(input);
            }
            if (question.size() == kMaxArguments) {
                read_answers(question);
                question = {"query"};
            }
        }
        read_answers(question);
    }

    void read_answers(const std::vector<std::string>& question) {
        std::string file;
        bool are_outputs = false;
        for (const std::string& line : ask(question)) {
            if (line.starts_with("    ")) {
                const std::string other = line.substr(line.find_first_not_of(" |"));
                are_outputs ? reader_.add(other, file) : reader_.add(file, other);
            } else if (line.starts_with("  ")) {
                are_outputs = line == "  outputs:";
            } else if (line.ends_with(':')) {
                file = line.substr(0, line.size() - 1);
            }
        }
    }

    // BEGIN END MTIME OUTPUT HASH, parted by tabs; the times of the command in milliseconds since Ninja began.
    void read_log() {
        std::ifstream log{reader_.build() / ".ninja_log"};
        std::map<fs::path, std::int64_t> milliseconds;
        for (std::string line; std::getline(log, line);) {
            std::istringstream fields{line};
            std::int64_t begin = 0;
            std::int64_t end = 0;
            std::string modified;
            std::string output;
            if (fields >> begin >> end >> modified && fields.get() == '\t' && std::getline(fields, output, '\t')) {
                milliseconds[reader_.absolute(output)] = end - begin;
            }
        }
        for (auto& [file, output] : reader_.graph().outputs) {
            const auto took = milliseconds.find(file);
            const auto state = FileState::of(file);
            // CMake also writes build.ninja when Ninja has not asked for it.
            if (took != milliseconds.end() && state && file != reader_.graph().configuration) {
                output.began_ns =
                    state->modified_ns - took->second * kNanosecondsPerMillisecond - FileState::kClockStepNs;
            }
        }
    }

    Reader reader_;
    std::string tool_;
};

// ---- Make

// The words of a makefile's rule, without the escapes of spaces and signs: "a.o:", "b.cpp".
std::vector<std::string> rule_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    const auto end_word = [&] {
        if (!word.empty()) {
            words.push_back(std::exchange(word, {}));
        }
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (text[i] == '\\' && (next == '\n' || next == '\r')) {
            end_word();
            ++i;
        } else if (text[i] == '\\' && (next == ' ' || next == '#' || next == ':' || next == '\\')) {
            word += next;
            ++i;
        } else if (text[i] == '$' && next == '$') {
            word += '$';
            ++i;
        } else if (text[i] == '\n') {
            end_word();
            words.emplace_back("\n");
        } else if (std::isspace(static_cast<unsigned char>(text[i])) != 0) {
            end_word();
        } else {
            word += text[i];
        }
    }
    end_word();
    return words;
}

class MakeReader {
public:
    explicit MakeReader(const fs::path& build) : reader_(build) {}

    BuildGraph read() {
        reader_.graph().configuration = reader_.absolute("Makefile");
        read_configuration();
        std::error_code error;
        for (fs::recursive_directory_iterator entry{reader_.build(), error};
             !error && entry != fs::recursive_directory_iterator{}; entry.increment(error)) {
            if (!is_below(entry->path(), "CMakeFiles")) {
                continue;  // not a file of this build, such as one of a source that the build has fetched
            }
            if (entry->path().extension() == ".d") {
                // GCC and Clang write the names as the command has them, which runs in the folder above CMakeFiles.
                const fs::path output = fs::path{entry->path()}.replace_extension();
                read_rules(entry->path(), folder_above(output, "CMakeFiles"), output);
            } else if (entry->path().filename() == "build.make") {
                read_rules(entry->path(), reader_.build(), {});
            }
        }
        return std::move(reader_.graph());
    }

private:
    [[nodiscard]] bool is_below(const fs::path& file, std::string_view name) const {
        const fs::path inside = file.lexically_relative(reader_.build());
        return std::find(inside.begin(), inside.end(), name) != inside.end();
    }
    [[nodiscard]] static fs::path folder_above(const fs::path& file, std::string_view name) {
        fs::path folder = file.parent_path();
        while (folder.has_relative_path() && folder.filename() != name) {
            folder = folder.parent_path();
        }
        return folder.has_relative_path() ? folder.parent_path() : file.parent_path();
    }

    // set (CMAKE_MAKEFILE_DEPENDS
    //   "FILE"
    //   )
    void read_configuration() {
        bool are_inputs = false;
        for (const std::string& line : lines_of(text_of(reader_.build() / "CMakeFiles/Makefile.cmake"))) {
            if (line.starts_with("set")) {
                are_inputs = line.find("CMAKE_MAKEFILE_DEPENDS") != std::string::npos;
            }
            const std::size_t begin = line.find('"');
            if (are_inputs && begin != std::string::npos && line.size() > begin + 1) {
                reader_.add(reader_.graph().configuration, line.substr(begin + 1, line.rfind('"') - begin - 1));
            }
        }
    }

    // Reads TARGET: INPUT...; the target is `output` if it is given.
    void read_rules(const fs::path& makefile, const fs::path& folder, const fs::path& output) {
        fs::path target;
        bool is_first = true;
        for (std::string& word : rule_words(text_of(makefile))) {
            if (word == "\n") {
                is_first = true;
                target.clear();
            } else if (is_first) {
                is_first = false;
                if (word.ends_with(':')) {
                    word.pop_back();
                    target = output.empty() ? folder / word : output;
                }
            } else if (!target.empty()) {
                reader_.add(target, (folder / word).string());
            }
        }
    }

    Reader reader_;
};

}  // namespace

std::string build_tool(const fs::path& build, std::string otherwise) {
    constexpr std::string_view kEntry = "CMAKE_MAKE_PROGRAM:";  // NAME:TYPE=VALUE
    for (const std::string& line : lines_of(text_of(build / "CMakeCache.txt"))) {
        if (line.starts_with(kEntry) && line.find('=') + 1 < line.size()) {
            return line.substr(line.find('=') + 1);
        }
    }
    return otherwise;
}

BuildGraph BuildGraph::of(const fs::path& build) {
    std::error_code ignored;
    return fs::exists(build / "build.ninja", ignored) ? NinjaReader{build}.read() : MakeReader{build}.read();
}

}  // namespace c10k
