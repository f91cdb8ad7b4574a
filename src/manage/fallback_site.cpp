#include "manage/fallback_site.hpp"

#include "base/text.hpp"
#include "web/reload.hpp"

#include <memory>
#include <optional>
#include <string>

namespace c10k {
namespace {

// The script of every page shows the mistake in detail, and loads the page again when it is fixed.
Response explain(const Reload& reload) {
    const std::optional<ReloadState> state = reload.state();
    const std::string heading = html_escape(state && !state->heading.empty() ? state->heading : "Starting");
    return Response::html("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n    <meta charset=\"utf-8\">\n    <title>" +
                              heading + "</title>\n</head>\n<body>\n<h1>" + heading + "</h1>\n</body>\n</html>\n",
                          503);
}

}  // namespace

SiteFactory fallback_site() {
    return [](Services&) {
        const std::shared_ptr<const Reload> reload = Reload::from_environment();
        if (!reload) {
            throw std::runtime_error("only runserver starts a fallback site");
        }
        const auto page = [reload](Request&) { return explain(*reload); };
        const auto any_page = [reload](Request&, std::string_view) { return explain(*reload); };
        return BuiltSite{nullptr, {path("", page), path("<path:any>", any_page)}};
    };
}

}  // namespace c10k
