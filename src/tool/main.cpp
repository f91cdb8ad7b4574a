// The program c10k: makes projects and apps out of the templates in share/.

#include "base/text.hpp"
#include "tool/names.hpp"
#include "tool/project_template.hpp"
#include "usage/completion.hpp"
#include "usage/man_page.hpp"
#include "usage/mistake.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <regex>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace c10k::tool {
namespace {

namespace fs = std::filesystem;

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

constexpr const char* kVersion = "c10k " C10K_VERSION;

constexpr const char* kProjectIsMade =
    R"(Made the project {{ project_name }} in {{ project_folder }}. Its first app is hello.

    cd {{ project_folder }}
    ./manage runserver    # builds it; then open http://127.0.0.1:8000/
    ./test
)";

constexpr const char* kAppIsMade =
    R"(Made the app in {{ app_name }}/, and tests/{{ app_name }}_test.cpp. Add it to site.hpp:

    #include "{{ app_name }}/{{ app_name }}.hpp"  at the top
    path("{{ app_name }}/", include({{ app_name }}.urls(), "{{ app_name }}")),  in urls()
    {{ app_class }} {{ app_name }}{services};  as the last member of Site

Then: ./manage runserver, and open http://127.0.0.1:8000/{{ app_name }}/
)";

// Where the templates are, relative to this program: the same in an installation and in a build.
fs::path share() { return fs::canonical("/proc/self/exe").parent_path().parent_path() / "share/c10k"; }

Names names_of_app(const std::string& app) { return {{"app_name", app}, {"app_class", class_of_app(app)}}; }

// The header of an app of the project in this folder that has a class of that name; empty if there is none.
fs::path header_of_class(const std::string& name) {
    const std::regex definition{"\\b(class|struct)\\s+" + name + "\\b"};
    for (const fs::directory_entry& folder : fs::directory_iterator{"."}) {
        if (!folder.is_directory()) {
            continue;
        }
        for (const fs::directory_entry& file : fs::directory_iterator{folder}) {
            const bool is_hidden = file.path().filename().string().starts_with('.');  // no source for a build, either
            const bool is_header = !is_hidden && file.is_regular_file() && file.path().extension() == ".hpp" &&
                                   ::access(file.path().c_str(), R_OK) == 0;
            if (is_header && std::regex_search(read_text(file), definition)) {
                return file.path().lexically_normal();
            }
        }
    }
    return {};
}

void start_project(const std::string& name, fs::path folder) {
    if (const auto fault = fault_of_project_name(name)) {
        throw std::runtime_error(*fault);
    }
    if (folder.empty()) {
        folder = name;
    }
    // With its links and without them: CMake and ./manage see either.
    for (const fs::path& path : {fs::absolute(folder), fs::weakly_canonical(folder)}) {
        if (const auto fault = fault_of_folder(path.string())) {
            throw std::runtime_error(*fault + ", as in c10k startproject " + name + " FOLDER");
        }
    }
    if (fs::exists(folder) && !fs::is_directory(folder)) {
        throw std::runtime_error(folder.string() + " is a file: name another folder");
    }
    if (fs::exists(folder) && !fs::is_empty(folder)) {
        throw std::runtime_error("The folder " + folder.string() + " is not empty: name another one, as in c10k " +
                                 "startproject " + name + " FOLDER");
    }
    const Names names{
        {"project_name", name}, {"project_folder", quoted_for_shell(folder.string())}, {"c10k_version", C10K_VERSION}};
    copy_filled(share() / "project", folder, names);
    copy_filled(share() / "hello", folder, names);
    std::fputs(fill(kProjectIsMade, names).c_str(), stdout);
}

void start_app(const std::string& name) {
    if (const auto fault = fault_of_app_name(name)) {
        throw std::runtime_error(*fault);
    }
    if (!fs::exists("site.hpp") || !fs::exists("CMakeLists.txt")) {
        throw std::runtime_error(
            "There is no project here, because there is no site.hpp: change into one, or make one with c10k "
            "startproject NAME");
    }
    if (fs::exists(name)) {
        throw std::runtime_error(name + " is there already: choose another name");
    }
    if (const fs::path header = header_of_class(class_of_app(name)); !header.empty()) {
        throw std::runtime_error("The class of " + name + " would be " + class_of_app(name) +
                                 ", which is there already, in " + header.string() + ": choose another name");
    }
    copy_filled(share() / "app", ".", names_of_app(name));
    std::fputs(fill(kAppIsMade, names_of_app(name)).c_str(), stdout);
}

// Returns the exit status. Throws std::exception with one line for the user.
int run(int argc, char** argv) {
    CLI::App app{"Makes projects and apps for the c10k library.", "c10k"};
    app.require_subcommand(1);
    app.set_version_flag("--version", kVersion, "Print the version");
    app.footer("Try: c10k startproject mysite && cd mysite && ./manage runserver");

    std::string name;
    fs::path folder;
    CLI::App* project = app.add_subcommand("startproject", "Make a project: a site with one app, its tests, its build");
    project->add_option("NAME", name, "Its name: letters, digits and \"_\"")->required();
    project->add_option("FOLDER", folder, "The folder to make it in, ./NAME by default; must be empty if it exists")
        ->type_name("FOLDER");
    project->footer("Try: c10k startproject mysite");

    CLI::App* added = app.add_subcommand("startapp", "Make an app in the project in this folder");
    added->add_option("NAME", name, "The name of the app and its folder: letters, digits and \"_\"")->required();
    added->footer("Try: c10k startapp chat");

    std::string shell;
    CLI::App* completion = app.add_subcommand("completion", "Print a script that completes these commands in a shell");
    completion->add_option("SHELL", shell, "The shell: bash")->type_name("bash")->required();
    CLI::App* man = app.add_subcommand("man", "Print this help as a man page");

    const usage::Program program{app, kVersion, {}, ""};
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {
            return app.exit(error);
        }
        std::fprintf(stderr, "%s\n", usage::explain_mistake(program, error, argc, argv).c_str());
        return kBadUsage;
    }
    if (*completion) {
        usage::require_known(shell);
        std::fputs(usage::bash_completion(program, {"c10k"}).c_str(), stdout);
    } else if (*man) {
        std::fputs(usage::man_page(program).c_str(), stdout);
    } else if (*project) {
        start_project(name, folder);
    } else {
        start_app(name);
    }
    return 0;
}

}  // namespace
}  // namespace c10k::tool

int main(int argc, char** argv) {
    try {
        return c10k::tool::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return c10k::tool::kFailed;
    }
}
