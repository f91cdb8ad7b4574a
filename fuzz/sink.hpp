#pragma once

#include "wire/protocol.hpp"

#include <string_view>

namespace c10k::fuzz {

// Drops all that comes out of a WebSocket.
class Sink : public wire::Protocol::Events {
public:
    void on_message(Message) override {}
    void on_pong(std::string_view) override {}
    void on_reply(std::string_view) override {}
    void on_close(const CloseInfo&, wire::Violation) override {}
};

}  // namespace c10k::fuzz
