#pragma once

#include "c10k/settings.hpp"
#include "manage/project.hpp"

#include <string>
#include <vector>

namespace c10k {

// How a program that is being changed is watched.
struct ReloadOptions {
    enum class Watching { kInotify, kPolling } watching = Watching::kInotify;
    enum class Telling { kWhatIsDone, kAlsoWhy } telling = Telling::kWhatIsDone;  // which file it is for
};

// Serves the project's program until SIGINT or SIGTERM, and replaces it by a new one whenever its sources have changed
// and could be built. `command` starts a program that serves.
//
// The listening sockets stay open in this process, and each program inherits them: nobody is refused. While a new
// program is built and starts, the old one serves; once the new one serves, this process tells the old one to end. Open
// pages learn of it through the reload status (web/reload.hpp). When no program serves, because it crashed or never
// started, a fallback site answers every page with the reason.
//
// Throws std::exception with a text for the user if a setting is wrong, if it cannot listen or watch, or if even the
// fallback does not work.
void run_runserver_supervisor(const Project& project, const Settings& settings, const ReloadOptions& options,
                              std::vector<std::string> command);

// Whether run_runserver_supervisor() has started this program in place of one that does not work, to serve a page that
// says so.
[[nodiscard]] bool is_fallback();

}  // namespace c10k
