#pragma once

#include "gameoflife/feed.hpp"

#include <c10k/completion.hpp>
#include <c10k/json.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace life {

// A program that runs cells says this of its game (subprotocol life.control).
struct Hello {
    bool wrapped = true;
    std::optional<std::uint64_t> limit = {};  // of steps
};

// The way from pages to the program that runs the cells: one control connection, whichever loop it is on. Pages send
// commands, and each command gets one answer.
//
// Thread: any.
class Control {
public:
    static constexpr const char* kProtocol = "life.control";
    // For people.
    static constexpr const char* kNoProgram = "No program is in control: start one with ./manage gameoflife.";

    // When something changes, the feed's alarms ring.
    explicit Control(Feed& feed) : feed_(feed) {}
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    // Serves a control connection: the view of its route.
    c10k::Task<> serve(c10k::WebSocket& socket);
    // The game is reset: closes the connection with 1012. The program may come back and answer old commands.
    void reset();

    // Sends a command to the program. Returns its complaint, or that of the server if it cannot answer; "" if all is
    // well.
    c10k::Task<std::string> ask(nlohmann::json command);

    struct State {
        bool has_program = false;
        std::optional<Hello> hello = {};
        std::optional<nlohmann::json> play = {};  // what the program has said of it
        std::uint64_t changes = 0;
    };
    [[nodiscard]] State state() const;
    // How often it has changed.
    [[nodiscard]] std::uint64_t changes() const;

private:
    // The fate of open commands when their program leaves.
    enum class Pending : std::uint8_t { kFails, kWaits };

    bool enter(const c10k::WebSocketHandle& program);
    void leave(const c10k::WebSocketHandle& program, Pending pending);
    // Throws BadMessage.
    void hear(const c10k::WebSocketHandle& program, std::string_view text);
    void answer(const nlohmann::json& message);
    void note_change();

    Feed& feed_;
    mutable std::mutex mutex_;
    std::optional<c10k::WebSocketHandle> program_;
    State state_;
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, c10k::Completer<std::string>> pending_;
};

}  // namespace life
