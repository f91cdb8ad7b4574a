#pragma once

#include "c10k/groups.hpp"
#include "c10k/metrics.hpp"
#include "c10k/services.hpp"
#include "c10k/settings.hpp"
#include "c10k/static_files.hpp"
#include "c10k/task.hpp"
#include "c10k/templates.hpp"
#include "c10k/urls.hpp"
#include "c10k/values.hpp"
#include "groups/group_directory.hpp"
#include "server/admission.hpp"
#include "web/failures.hpp"
#include "web/refusals.hpp"

#include <cstddef>
#include <memory>

namespace c10k {

// The state that the sites of a program share; each loop has one site.
struct SharedState {
    explicit SharedState(std::size_t loops) : groups(std::make_shared<GroupDirectory>(loops)) {}

    std::shared_ptr<GroupDirectory> groups;
    Values values;
    std::shared_ptr<Admission> admission = std::make_shared<Admission>();
    Metrics metrics;
    std::shared_ptr<Refusals> refusals = std::make_shared<Refusals>();
    std::shared_ptr<Failures> failures = std::make_shared<Failures>();  // that open pages show
};

// The parts that one site has for itself, and the services that it is given: these parts and the shared ones.
struct SiteParts {
    // For the site of loop number `loop`, on the thread of that loop. Requires: all that it is given outlives it.
    SiteParts(Templates::Mode mode, const Settings& settings, TaskGroup& background, SharedState& shared,
              std::size_t loop)
        : groups(shared.groups, loop), templates(mode, urls), services{.groups = groups,
                                                                       .values = shared.values,
                                                                       .templates = templates,
                                                                       .static_files = static_files,
                                                                       .urls = urls,
                                                                       .settings = settings,
                                                                       .background = background,
                                                                       .metrics = shared.metrics} {}
    SiteParts(const SiteParts&) = delete;
    SiteParts& operator=(const SiteParts&) = delete;

    Groups groups;
    Templates templates;
    StaticFiles static_files;
    Urls urls;
    Services services;
};

}  // namespace c10k
