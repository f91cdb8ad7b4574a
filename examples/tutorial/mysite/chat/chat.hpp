#pragma once

#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

#include <string_view>

// Chat rooms: everybody in a room receives each message.
class ChatApp {
public:
    explicit ChatApp(c10k::Services& services);

    c10k::Urls urls();

private:
    c10k::Response index(c10k::Request& request);
    c10k::Response room(c10k::Request& request, std::string_view name);
    c10k::Task<> talk(c10k::WebSocket& socket, std::string_view name);

    c10k::Services& services_;
};
