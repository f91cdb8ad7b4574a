#include "gameoflife/control_client.hpp"

#include "gameoflife/control.hpp"
#include "gameoflife/json_message.hpp"
#include "gameoflife/worker_message.hpp"

#include <c10k/json.hpp>
#include <c10k/text.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

// A pasted pattern comes in one message.
constexpr std::uint32_t kMaxMessageBytes = 4 * 1024 * 1024;

// How long after a connection was lost the program tries again.
constexpr Duration kRetryTime = 2s;

// How soon a page sees for how long a cell has been held.
constexpr Duration kTellTime = 1s;

EndpointOptions control_options(EndpointOptions options) {
    options.subprotocols = {Control::kProtocol};
    options.max_message_bytes = kMaxMessageBytes;
    return options;
}

}  // namespace

ControlClient::ControlClient(const std::string& server, EndpointOptions options, Commands& commands)
    : endpoint_(server + "/control/", control_options(std::move(options))), commands_(commands) {}

Task<> ControlClient::run() {
    for (;;) {
        std::string failure = "the server offers no " + std::string{Control::kProtocol};
        try {
            co_await connect(endpoint_, [this](WebSocket& socket) { return talk(socket); });
        } catch (const ConnectError& error) {
            failure = error.what();
        } catch (const TimedOut& error) {
            failure = error.what();
        } catch (const ConnectionClosed&) {  // as it was to say something
        }
        if (!has_talked_) {
            std::printf("Pages cannot control this game (the server's setting life_control lets them): %s\n",
                        printable(failure).c_str());
            std::fflush(stdout);
            co_return;
        }
        co_await sleep_for(kRetryTime);
    }
}

Task<> ControlClient::talk(WebSocket& socket) {
    if (socket.subprotocol() != Control::kProtocol) {
        co_return;
    }
    has_talked_ = true;
    told_.clear();
    socket.deliver(json_text("hello", commands_.game()));
    std::string complaint;
    const auto listen = [&](TaskGroup& group) -> Task<> {
        group.spawn(keep_telling(socket));
        try {
            while (const auto message = co_await socket.recv()) {
                if (const std::string answer = answer_to(*message); !answer.empty()) {
                    tell(socket);
                    co_await socket.send(answer);
                }
            }
        } catch (const BadMessage& bad) {
            complaint = bad.what();
        }
        group.stop();
    };
    co_await task_group(listen);
    if (!complaint.empty()) {
        socket.close(CloseCode::kPolicyViolation, complaint);
    }
}

std::string ControlClient::answer_to(const Message& message) {
    const json object = parse_object(text_of(message));
    const auto command = object.find("do");
    if (command == object.end()) {
        return "";
    }
    const auto id = object.find("id");
    if (id == object.end() || !id->is_number_integer()) {
        throw BadMessage("a command has a whole number as its 'id'");
    }
    json error;
    try {
        commands_.run(*command);
    } catch (const std::exception& refused) {
        error = refused.what();
    }
    return json_text("answer", *id, "error", error);
}

Task<> ControlClient::keep_telling(WebSocket& socket) {
    for (;;) {
        tell(socket);
        co_await sleep_for(kTellTime);
    }
}

void ControlClient::tell(WebSocket& socket) {
    if (std::string text = json_text("play", commands_.play()); text != told_) {
        socket.deliver(text);
        told_ = std::move(text);
    }
}

}  // namespace life
