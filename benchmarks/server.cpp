// Our server under test: `server runserver PORT --backend epoll`.

#include <c10k/groups.hpp>
#include <c10k/manage.hpp>
#include <c10k/static_files.hpp>
#include <c10k/websocket.hpp>

using namespace c10k;

class Site {
public:
    explicit Site(Services& services) : groups_(services.groups), static_files_(services.static_files) {}

    Urls urls() {
        return {
            path("echo/", this, &Site::echo),
            path("broadcast/", this, &Site::broadcast),
            path("static/<path:file>", &static_files_, &StaticFiles::serve),
        };
    }

private:
    Task<> echo(WebSocket& socket) {
        while (auto message = co_await socket.recv()) {
            co_await socket.send(*message);
        }
    }

    Task<> broadcast(WebSocket& socket) {
        Group everybody = groups_.named("everybody");
        Membership here = co_await everybody.join(socket);
        while (auto message = co_await socket.recv()) {
            everybody.send(*message);
        }
    }

    Groups& groups_;
    StaticFiles& static_files_;
};

int main(int argc, char** argv) { return manage<Site>(argc, argv); }
