#include "web/reload.hpp"

#include "base/text.hpp"
#include "c10k/json.hpp"
#include "web/assets.hpp"
#include "web/explanation_page.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace c10k {
namespace {

constexpr std::chrono::milliseconds kLookInterval{50};

std::int64_t steady_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

nlohmann::json as_seconds(const RunningBuild& building) {
    const auto seconds = [](std::int64_t ms) { return static_cast<double>(ms) / 1000; };
    return {{"file", building.file},
            {"done", building.done},
            {"total", building.total},
            {"seconds", seconds(steady_ms() - building.began_ms)},
            {"usual", seconds(building.usual_ms)}};
}

bool is_script(std::string_view name) { return name.ends_with(".js"); }

// The files that pages under development load, of all those in src/web/assets/.
bool is_public(std::string_view name) {
    return name == "base.css" || name == "sheet.css" || name.starts_with("reload");
}

}  // namespace

std::unique_ptr<Reload> Reload::from_environment(std::shared_ptr<Failures> failures) {
    const char* status = std::getenv(kStatusVariable);
    const char* program = std::getenv(kProgramVariable);
    if (status == nullptr || program == nullptr) {
        return nullptr;
    }
    return std::make_unique<Reload>(std::atoi(status), std::strtoull(program, nullptr, 10), std::move(failures));
}

Urls Reload::urls() const {
    return {
        path("_c10k/reload/", this, &Reload::follow),
        path("_c10k/<str:name>", this, &Reload::file),
    };
}

Response Reload::file(Request& /*request*/, std::string_view name) const {
    for (const Asset& asset : all_assets()) {
        if (asset.name == name && is_public(name)) {
            const std::string_view type = is_script(name) ? "text/javascript" : "text/css";
            return {.headers = {{"Content-Type", std::string{type} + "; charset=utf-8"}, {"Cache-Control", "no-cache"}},
                    .body = std::string{asset.text}};
        }
    }
    throw NotFound("There is no such file.");
}

Task<> Reload::follow(WebSocket& socket) const {
    std::string seen;
    std::uint64_t failures = 0;
    bool is_first = true;
    while (socket.is_open()) {
        const std::optional<std::string> now = status_.read_json();
        if (now && (is_first || *now != seen || failures_->count() != failures)) {
            is_first = false;
            seen = *now;
            failures = failures_->count();
            const std::string text = news(ReloadState::from_json(seen));
            co_await socket.send(text);
        }
        co_await sleep_for(kLookInterval);
    }
}

std::string Reload::news(const ReloadState& state) const {
    const Failures::Last failure = failures_->last();
    const bool is_wrong = !state.explanation.heading.empty();
    nlohmann::json json{{"program", state.program},
                        {"pages", state.pages},
                        {"styles", state.styles},
                        {"seconds", static_cast<double>(state.took_ms) / 1000},
                        {"heading", state.explanation.heading},
                        {"sheet", is_wrong ? explanation_html(state.explanation) : ""},
                        {"failures", failure.number},
                        {"failure", failure.html}};
    json["building"] = state.building ? as_seconds(*state.building) : nlohmann::json{};
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Reload::add_script(Response& response) const {
    const std::string_view type = response.headers.get("Content-Type").value_or("");
    const std::optional<ReloadState> state = status_.read();
    const bool is_page = type.starts_with("text/html") && !response.headers.get("Content-Encoding");
    if (!is_page || response.body_stream || !state) {
        return;
    }
    // The program that made the page, whichever serves by now.
    const nlohmann::json shown{
        {"program", program_}, {"pages", state->pages}, {"styles", state->styles}, {"failures", failures_->count()}};
    const std::string tag =
        "<script type=\"module\" src=\"/_c10k/reload.js\" data-state=\"" + html_escape(shown.dump()) + "\"></script>\n";
    const std::size_t end = response.body.rfind("</body>");
    response.body.insert(std::min(end, response.body.size()), tag);
}

}  // namespace c10k
