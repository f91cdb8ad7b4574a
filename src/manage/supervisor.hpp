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

// Serves the project's program, and replaces it by a new one whenever its sources have changed and could be built,
// until SIGINT or SIGTERM. `command` starts it, so that it serves.
//
// The listening sockets stay open in this process, and each program in turn gets them: nobody is refused. While a new
// program is built and starts, the old one serves; when the new one serves, the old one is told to end. Pages that are
// open in a browser hear of it over the board (web/reload.hpp). When there is no program that serves, because it
// crashed or never started, this program answers every page with the reason.
//
// Throws std::exception with a text for the user if a setting is wrong, if it cannot listen or watch, or if even the
// fallback does not work.
void supervise(const Project& project, const Settings& settings, const ReloadOptions& options,
               std::vector<std::string> command);

// Whether supervise() has started this program in place of one that does not work, to serve a page that says so.
[[nodiscard]] bool is_fallback();

}  // namespace c10k
