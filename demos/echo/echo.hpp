#pragma once

#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

namespace echo {

// The test site: a WebSocket that counts to three, a page that talks to it, and a page with forms.
class Site {
public:
    explicit Site(c10k::Services& services) : services_(services) {}

    c10k::Urls urls();

private:
    c10k::Response index(c10k::Request& request);
    c10k::Response forms(c10k::Request& request);
    c10k::Task<> count_to_three(c10k::WebSocket& socket);

    c10k::Services& services_;
};

}  // namespace echo
