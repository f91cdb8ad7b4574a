#include "gameoflife/control.hpp"

#include "gameoflife/json_message.hpp"

#include <chrono>
#include <utility>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

constexpr const char* kNoAnswer = "The program does not answer.";
constexpr auto kAnswerTime = 5s;
constexpr std::size_t kMaxPending = 64;
constexpr std::size_t kMaxTextBytes = 1000;  // of a pattern's name and of a complaint

Hello parse_hello(const nlohmann::json& said) {
    Hello hello;
    hello.wrapped = flag_of(said, "wrapped");
    hello.limit = optional_count_of(said, "limit");
    return hello;
}

nlohmann::json parse_held(const nlohmann::json& play) {
    const auto held = play.find("held");
    if (held == play.end() || held->is_null()) {
        return nullptr;
    }
    if (!held->is_object()) {
        throw BadMessage("'held' is an object or null");
    }
    return json_object("row", whole_number_of(*held, "row"), "col", whole_number_of(*held, "col"), "seconds",
                       number_of(*held, "seconds"));
}

// The members that pages know, each of its type: so what a program says cannot grow in a page's status.
nlohmann::json parse_play(const nlohmann::json& said) {
    return json_object("paused", flag_of(said, "paused"), "speed", number_of(said, "speed"), "held", parse_held(said),
                       "stays", flag_of(said, "stays"), "jitter", number_of(said, "jitter"), "pattern",
                       optional_text_of(said, "pattern", kMaxTextBytes));
}

}  // namespace

// ---- The program

Task<> Control::serve(WebSocket& socket) {
    if (socket.subprotocol() != kProtocol) {
        socket.refuse(400, "the subprotocol here is life.control");
        co_return;
    }
    socket.accept();
    const WebSocketHandle program = socket.handle();
    if (!enter(program)) {
        socket.close(CloseCode::kTryAgainLater, "another program is in control");
        co_return;
    }
    struct Stay {
        Control& control;
        WebSocket& socket;
        const WebSocketHandle& program;
        ~Stay() {
            const bool returns = !socket.is_open() && socket.close_info().code == CloseCode::kServiceRestart;
            control.leave(program, returns ? Pending::kWaits : Pending::kFails);
        }
    };
    const Stay stay{*this, socket, program};
    try {
        while (const auto message = co_await socket.recv()) {
            hear(program, text_of(*message));
            co_await yield();  // a program that says a lot takes turns with all others
        }
    } catch (const BadMessage& bad) {
        socket.close(CloseCode::kPolicyViolation, bad.what());
    }
}

bool Control::enter(const WebSocketHandle& program) {
    const std::lock_guard lock{mutex_};
    if (program_) {
        return false;
    }
    program_ = program;
    state_.has_program = true;
    note_change();
    return true;
}

void Control::leave(const WebSocketHandle& program, Pending pending) {
    std::map<std::uint64_t, Completer<std::string>> forsaken;
    {
        const std::lock_guard lock{mutex_};
        if (program_ == program) {
            program_.reset();
            state_ = State{.changes = state_.changes};
            note_change();
            if (pending == Pending::kFails) {
                forsaken = std::exchange(pending_, {});
            }
        }
    }
    for (const auto& [id, completer] : forsaken) {
        completer.complete("The program has left.");
    }
}

void Control::reset() {
    std::optional<WebSocketHandle> program;
    {
        const std::lock_guard lock{mutex_};
        program = program_;
    }
    if (program) {
        leave(*program, Pending::kWaits);  // at once: the next one may come before this one has gone
        program->close(CloseCode::kServiceRestart, "the game was reset");
    }
}

// Of a program that a reset has put out of control, only answers count.
void Control::hear(const WebSocketHandle& program, std::string_view text) {
    const nlohmann::json message = parse_object(text);
    if (const auto hello = message.find("hello"); hello != message.end()) {
        const Hello said = parse_hello(*hello);
        const std::lock_guard lock{mutex_};
        if (program_ == program) {
            state_.hello = said;
            note_change();
        }
    }
    if (const auto play = message.find("play"); play != message.end()) {
        nlohmann::json said = parse_play(*play);
        const std::lock_guard lock{mutex_};
        if (program_ == program) {
            state_.play = std::move(said);
            note_change();
        }
    }
    if (message.contains("answer")) {
        answer(message);
    }
}

void Control::answer(const nlohmann::json& message) {
    const std::uint64_t id = whole_number_of(message, "answer");
    const nlohmann::json error = optional_text_of(message, "error", kMaxTextBytes);
    Completer<std::string> completer;
    {
        const std::lock_guard lock{mutex_};
        if (auto pending = pending_.extract(id)) {
            completer = std::move(pending.mapped());
        }
    }
    completer.complete(error.is_null() ? "" : error.get<std::string>());
}

void Control::note_change() {
    ++state_.changes;
    feed_.ring();
}

// ---- The pages

Task<std::string> Control::ask(nlohmann::json command) {
    Completion<std::string> answer;
    struct Asked {
        Control& control;
        std::uint64_t id = 0;
        ~Asked() {
            const std::lock_guard lock{control.mutex_};
            control.pending_.erase(id);
        }
    };
    Asked asked{*this};
    {
        const std::lock_guard lock{mutex_};
        if (!program_) {
            co_return kNoProgram;
        }
        if (pending_.size() == kMaxPending) {
            co_return kNoAnswer;
        }
        asked.id = ++last_id_;
        pending_.emplace(asked.id, answer.completer());
        program_->send(Message{json_text("do", std::move(command), "id", asked.id)});
    }
    try {
        co_return co_await with_timeout(kAnswerTime, answer.wait());
    } catch (const TimedOut&) {
        co_return kNoAnswer;
    }
}

Control::State Control::state() const {
    const std::lock_guard lock{mutex_};
    return state_;
}

std::uint64_t Control::changes() const {
    const std::lock_guard lock{mutex_};
    return state_.changes;
}

}  // namespace life
