#include "gameoflife/control_permission.hpp"

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
    if (!settings.debug) {
        return "To play from this page, start the server with --set life_control=loopback.";
    }
    if (!is_loopback(peer)) {
        return "Only pages on the server's own machine may control the game: life_control is loopback.";
    }
    return "";
}

}  // namespace life
