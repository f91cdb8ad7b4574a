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

// What a site is given; it outlives the site and its views.
struct Services {
    Groups& groups;
    Values& values;
    // A site adds its folders to both.
    Templates& templates;
    StaticFiles& static_files;
    // All routes of the site, for reverse(). Empty until the site is complete.
    const Urls& urls;
    const Settings& settings;
    // Tasks that live as long as the server: stopped with it, and awaited. One that fails stops the server, unless
    // spawn() names what to do about that.
    TaskGroup& background;
    // What the server counts; see there for a page of it.
    const Metrics& metrics;
};

}  // namespace c10k
