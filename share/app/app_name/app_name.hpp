#pragma once

#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

// A page, and a WebSocket on which everybody receives each message.
class {{ app_class }} {
public:
    explicit {{ app_class }}(c10k::Services& services);

    c10k::Urls urls();

private:
    c10k::Response index(c10k::Request& request);
    c10k::Task<> talk(c10k::WebSocket& socket);

    c10k::Services& services_;
};
