#include "manage/fallback_site.hpp"

#include "web/error_pages.hpp"
#include "web/explanation_page.hpp"
#include "web/reload.hpp"

#include <memory>
#include <optional>
#include <string>

namespace c10k {
namespace {

// The script of every page shows the mistake in detail, and loads the page again when it is fixed.
Response explain(const Reload& reload) {
    const std::optional<ReloadState> state = reload.state();
    Explanation shown = state ? state->explanation : Explanation{};
    if (shown.heading.empty()) {
        shown.heading = "Starting";
        shown.lead = "The next program that can be built serves this page.";
    }
    return Response::html(explanation_document(shown.heading, explanation_html(shown)), 503);
}

}  // namespace

SiteFactory fallback_site() {
    return [](Services&) {
        const std::shared_ptr<const Reload> reload = Reload::from_environment(std::make_shared<Failures>());
        if (!reload) {
            throw std::runtime_error("only runserver starts a fallback site");
        }
        const auto page = [reload](Request&) { return explain(*reload); };
        const auto any_page = [reload](Request&, std::string_view) { return explain(*reload); };
        return BuiltSite{nullptr, {path("", page), path("<path:any>", any_page)}};
    };
}

}  // namespace c10k
