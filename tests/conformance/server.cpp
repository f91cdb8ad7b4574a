// The server that the conformance suite talks to: it echoes.

#include <c10k/manage.hpp>

namespace {

using namespace c10k;

Task<> echo(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

struct Site {
    explicit Site(Services& /*services*/) {}
    Urls urls() {
        return {path("echo/", echo)
                    .compression({.from_bytes = 0, .context_takeover = ContextTakeover::kYes, .window_bits = 15})};
    }
};

}  // namespace

int main(int argc, char** argv) { return manage<Site>(argc, argv); }
