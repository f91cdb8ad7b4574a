#pragma once

#include "c10k/settings.hpp"
#include "c10k/task.hpp"

#include <string>

namespace c10k {

struct TopOptions {
    std::string url;    // of the dashboard, with or without its token; "": as the settings say
    std::string token;  // "": that of the URL, or of the settings
    std::string ca;     // for https://: who is trusted
    bool is_once = false;
    bool is_json = false;
};

// Shows the figures of a dashboard in this terminal until q is pressed, or prints a line each second if it is none.
// Throws CommandError.
Task<> run_top(const TopOptions& options, const Settings& settings);

}  // namespace c10k
