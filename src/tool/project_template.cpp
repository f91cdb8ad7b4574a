#include "tool/project_template.hpp"

#include "base/read_file.hpp"

#include <fstream>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace c10k::tool {
namespace {

namespace fs = std::filesystem;

void replace_all(std::string& text, std::string_view what, std::string_view by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
}

fs::path fill_path(const fs::path& path, const Names& names) {
    std::string text = path.string();
    for (const auto& [name, value] : names) {
        replace_all(text, name, value);
    }
    return text;
}

void write_text(const fs::path& file, std::string_view text) {
    std::ofstream output{file, std::ios::binary};
    output << text << std::flush;
    if (!output) {
        throw std::runtime_error(file.string() + " cannot be written");
    }
}

// Each file of the template, and the file that it becomes.
std::map<fs::path, fs::path> plan(const fs::path& project_template, const fs::path& folder, const Names& names) {
    if (!fs::is_directory(project_template)) {
        throw std::runtime_error("There is no folder " + project_template.string() + ": install c10k again");
    }
    std::map<fs::path, fs::path> targets;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator{project_template}) {
        if (entry.is_regular_file()) {
            targets[entry.path()] = folder / fill_path(entry.path().lexically_relative(project_template), names);
        }
    }
    return targets;
}

}  // namespace

std::string read_text(const fs::path& file) {
    if (std::optional<std::string> text = read_file(file)) {
        return std::move(*text);
    }
    throw std::runtime_error(file.string() + " cannot be read");
}

std::string fill(std::string text, const Names& names) {
    for (const auto& [name, value] : names) {
        replace_all(text, "{{ " + name + " }}", value);
    }
    return text;
}

void copy_filled(const fs::path& project_template, const fs::path& folder, const Names& names) {
    const auto targets = plan(project_template, folder, names);
    for (const auto& [source, target] : targets) {
        if (fs::exists(target)) {
            throw std::runtime_error(target.lexically_normal().string() +
                                     " is there already: move it away, or choose another name");
        }
    }
    for (const auto& [source, target] : targets) {
        fs::create_directories(target.parent_path());
        write_text(target, fill(read_text(source), names));
        fs::permissions(target, fs::status(source).permissions());
    }
}

}  // namespace c10k::tool
