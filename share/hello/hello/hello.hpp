#pragma once

#include <c10k/groups.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

// The first page of a new project, and a WebSocket on which everybody hears everybody.
class HelloApp {
public:
    explicit HelloApp(c10k::Services& services);

    c10k::Urls urls();

private:
    c10k::Response index(c10k::Request& request);
    c10k::Task<> talk(c10k::WebSocket& socket);
    // What the page says of the site: its address and its routes.
    c10k::Context about(const c10k::Request& request) const;
    void tell_count();

    c10k::Services& services_;
    c10k::Group everybody_;
};
