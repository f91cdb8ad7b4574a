#pragma once

#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "c10k/urls.hpp"
#include "c10k/websocket.hpp"
#include "web/failures.hpp"
#include "web/reload_status.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// Makes open pages follow a program while a developer changes it: each page gets a script, which reads the reload
// status over a WebSocket. Only programs that runserver has started have this.
class Reload {
public:
    // Null unless runserver has started this program.
    static std::unique_ptr<Reload> from_environment(std::shared_ptr<Failures> failures);

    // The environment by which runserver passes the status to the programs that it starts.
    static constexpr const char* kStatusVariable = "C10K_RELOAD_BOARD";     // a descriptor
    static constexpr const char* kProgramVariable = "C10K_RELOAD_PROGRAM";  // the number of the program

    Reload(int status, std::uint64_t program, std::shared_ptr<Failures> failures = std::make_shared<Failures>())
        : status_(status), program_(program), failures_(std::move(failures)) {}

    // Whether a path is one of ours.
    [[nodiscard]] static bool is_ours(std::string_view path) noexcept { return path.starts_with("/_c10k/"); }
    // The routes of the scripts, their style sheets and their WebSocket.
    [[nodiscard]] Urls urls() const;
    // Puts the script into an HTML page.
    void add_script(Response& response) const;
    [[nodiscard]] std::optional<ReloadState> state() const { return status_.read(); }
    // Those of this program's views.
    [[nodiscard]] Failures& failures() const noexcept { return *failures_; }

private:
    Response file(Request& request, std::string_view name) const;
    Task<> follow(WebSocket& socket) const;
    // What pages get to know of a state.
    [[nodiscard]] std::string news(const ReloadState& state) const;

    ReloadStatus status_;
    std::uint64_t program_;
    std::shared_ptr<Failures> failures_;
};

}  // namespace c10k
