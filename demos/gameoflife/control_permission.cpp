#include "gameoflife/control_permission.hpp"

#include "gameoflife/settings.hpp"

namespace life {

namespace {

// "127.0.0.1:54321", "[::1]:54321", or the same without a port, from a proxy.
bool is_loopback(std::string_view peer) {
    for (const std::string_view prefix : {"127.", "[::1]", "[::ffff:127."}) {
        if (peer.starts_with(prefix)) {
            return true;
        }
    }
    return peer == "::1";
}

}  // namespace

std::string control_refusal(const c10k::Settings& settings, std::string_view peer) {
    switch (settings.get(kLifeControl)) {
        case ControlFrom::kAnywhere: return "";
        case ControlFrom::kLoopback:
            return is_loopback(peer) ? ""
                                     : "Only pages on the server's own machine may control the game: start the server "
                                       "with --set life_control=all.";
        case ControlFrom::kNowhere: break;
    }
    return "To play from this page, start the server with --set life_control=loopback.";
}

}  // namespace life
