#pragma once

#include "gameoflife/commands.hpp"

#include <c10k/client.hpp>
#include <c10k/message.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <string>

namespace life {

// The connection over which the server hands on what pages ask of the players: subprotocol life.control.
//
// The game does not depend on it: a server that has no such route, or refuses, only leaves the pages without control.
// Thread: that of Players::play().
class ControlClient {
public:
    // `server` is the URL in front of "/control/".
    ControlClient(const std::string& server, c10k::EndpointOptions options, Commands& commands);

    // Connects, and again after a connection was lost, until it is stopped or the server has no control to give.
    c10k::Task<> run();

private:
    c10k::Task<> talk(c10k::WebSocket& socket);
    // Does what a message asks for. Returns the answer; empty if the message asks for nothing.
    std::string answer_to(const c10k::Message& message);
    // Tells the server how the players play, now and whenever that has changed.
    c10k::Task<> keep_telling(c10k::WebSocket& socket);
    void tell(c10k::WebSocket& socket);

    c10k::Endpoint endpoint_;
    Commands& commands_;
    bool has_talked_ = false;
    std::string told_;  // of "play", on this connection
};

}  // namespace life
