// A chat in which the host types into a terminal: a program with a main loop of its own, in which it embeds the server.
#include <c10k/descriptor.hpp>
#include <c10k/embed.hpp>

#include <array>
#include <cstdint>
#include <iostream>
#include <optional>
#include <poll.h>
#include <string>
#include <unistd.h>

using namespace c10k;

// [application]
class Chat final : public EmbeddedApplication {
public:
    std::optional<Group> everybody;

    Task<Response> respond(Request& /*request*/) override {
        co_return Response::text("Open a WebSocket here to join the chat.\n");
    }

    Task<> serve(WebSocket& socket) override {
        const Membership here = co_await everybody->join(socket);
        socket.accept({.headers = {{"X-Members", std::to_string(here.count())}}});
        while (const auto message = co_await socket.recv()) {
            std::cout << message->view() << std::endl;
            everybody->send(*message);
        }
    }
};
// [/application]

// [watch]
// Ends the server's sleep whenever there is something to read; the main loop reads it.
Task<> watch(int descriptor, const bool& is_wanted) {
    while (is_wanted) {
        co_await readable(descriptor);
    }
}
// [/watch]

// [loop]
int main(int argc, char** argv) {
    Chat chat;
    EmbeddedServer server{chat};
    chat.everybody = server.groups().named("everybody");
    const int port = argc > 1 ? std::stoi(argv[1]) : 8765;
    std::cout << "Listening on " << server.listen("127.0.0.1", static_cast<std::uint16_t>(port)) << std::endl;

    bool is_host_here = true;
    server.spawn(watch(STDIN_FILENO, is_host_here));
    while (!server.is_stopped()) {
        server.run_turn();  // sleeps for both

        pollfd input{STDIN_FILENO, POLLIN, 0};
        if (is_host_here && ::poll(&input, 1, 0) == 1) {
            std::array<char, 1024> bytes;
            const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
            if (count > 0) {
                const std::string line{bytes.data(), static_cast<std::size_t>(count)};
                chat.everybody->send(line.substr(0, line.find('\n')));
            } else {
                is_host_here = false;
                server.stop();
            }
        }
    }
}
// [/loop]
