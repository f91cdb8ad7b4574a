#include "web/reload.hpp"

#include "base/text.hpp"
#include "web/reload_script.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace c10k {
namespace {

constexpr std::chrono::milliseconds kLookInterval{50};

}  // namespace

std::unique_ptr<Reload> Reload::from_environment() {
    const char* status = std::getenv(kStatusVariable);
    const char* program = std::getenv(kProgramVariable);
    if (status == nullptr || program == nullptr) {
        return nullptr;
    }
    return std::make_unique<Reload>(std::atoi(status), std::strtoull(program, nullptr, 10));
}

Urls Reload::urls() const {
    return {
        path("_c10k/reload.js", this, &Reload::script),
        path("_c10k/reload/", this, &Reload::follow),
    };
}

Response Reload::script(Request& /*request*/) const {
    return {.headers = {{"Content-Type", "text/javascript; charset=utf-8"}, {"Cache-Control", "no-cache"}},
            .body = std::string{kReloadScript}};
}

Task<> Reload::follow(WebSocket& socket) const {
    std::string said;
    while (socket.is_open()) {
        if (const std::optional<ReloadState> now = status_.read()) {
            std::string text = now->to_json();
            if (text != said) {
                co_await socket.send(text);
                said = std::move(text);
            }
        }
        co_await sleep_for(kLookInterval);
    }
}

void Reload::add_script(Response& response) const {
    const std::string_view type = response.headers.get("Content-Type").value_or("");
    const std::optional<ReloadState> state = status_.read();
    const bool is_page = type.starts_with("text/html") && !response.headers.get("Content-Encoding");
    if (!is_page || response.body_stream || !state) {
        return;
    }
    // The program that made the page, whichever serves by now.
    ReloadState shown = *state;
    shown.program = program_;
    shown.heading.clear();
    shown.problems.clear();
    const std::string tag =
        "<script src=\"/_c10k/reload.js\" data-state=\"" + html_escape(shown.to_json()) + "\"></script>\n";
    const std::size_t end = response.body.rfind("</body>");
    response.body.insert(std::min(end, response.body.size()), tag);
}

}  // namespace c10k
