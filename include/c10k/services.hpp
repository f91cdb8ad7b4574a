#pragma once

#include "c10k/groups.hpp"
#include "c10k/metrics.hpp"
#include "c10k/settings.hpp"
#include "c10k/static_files.hpp"
#include "c10k/task.hpp"
#include "c10k/templates.hpp"
#include "c10k/urls.hpp"
#include "c10k/values.hpp"

namespace c10k {

// The services of a site; they outlive the site and its views.
struct Services {
    Groups& groups;
    Values& values;
    // A site adds its folders to both.
    Templates& templates;
    StaticFiles& static_files;
    // All routes of the site, for reverse(). Empty until the site is complete.
    const Urls& urls;
    const Settings& settings;
    // Tasks that live as long as the server, which stops and awaits them at its end. A task that fails stops the
    // server, unless spawn() was given a handler.
    TaskGroup& background;
    // The counts of the server; Metrics says how to make a page of them.
    const Metrics& metrics;
};

}  // namespace c10k
