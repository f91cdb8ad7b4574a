#pragma once

#include "c10k/settings.hpp"

#include <string>
#include <vector>

namespace c10k {

// Serves until SIGINT or SIGTERM with a program of its own, which `command` starts. On SIGHUP, and when
// ask_for_restart() asks, a new program takes its place (see Handover): the one that is installed by then, with the
// settings as they are then. If that one does not start, the old one goes on. A program that ends by itself is started
// again, ever more slowly if it ends at once.
//
// Throws std::exception with a text for the user if a setting is wrong, if it cannot listen, or if the first program
// does not start.
void run_serve_supervisor(const Settings& settings, const std::vector<std::string>& command);

}  // namespace c10k
