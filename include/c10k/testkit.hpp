#pragma once

#include "c10k/close_code.hpp"
#include "c10k/compression.hpp"
#include "c10k/http.hpp"
#include "c10k/message.hpp"
#include "c10k/server.hpp"
#include "c10k/settings.hpp"
#include "c10k/task.hpp"
#include "c10k/urls.hpp"

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Tests of views with a real handshake, real frames, the real routes and limits: but in memory, on one thread, and with
// a clock that only the test moves. Nothing sleeps, and no port is needed.
//
//     TEST(Chat, MessageReachesItsRoomAndNoOther) {
//         testkit::Services services;
//         Chat chat{services.groups};
//         testkit::Server server{chat.urls()};
//         auto ann = server.connect("/lobby/");
//         auto bob = server.connect("/lobby/");
//         ann.send("hi");
//         EXPECT_EQ(bob.recv(), "hi");
//     }
//
// Thread: all objects of one test belong to one thread, and are destroyed in the reverse order of their making.
namespace c10k::testkit {

// The message or answer that a test waited for has not come, and will not come unless the test goes on: all views are
// waiting.
class NothingCame : public std::runtime_error {
public:
    explicit NothingCame(std::string_view what) : std::runtime_error("nothing came: " + std::string{what}) {}
};

// The handshake was answered with another status than 101.
class Refused : public std::runtime_error {
public:
    explicit Refused(Response response);

    [[nodiscard]] const Response& response() const noexcept { return response_; }

private:
    Response response_;
};

// The defaults, without a log of requests.
[[nodiscard]] Settings quiet_settings();

// The loop of a test, with the services of a site. A test of routes alone does not need it.
class Services {
public:
    explicit Services(Settings settings = quiet_settings());
    // Stops the tasks in `background` and waits for them.
    ~Services();
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;

    // For sites that take all services. `urls` are the routes of the last server.
    operator c10k::Services&() noexcept;

private:
    friend class Server;
    friend class Simulation;
    struct Parts;

    std::unique_ptr<Parts> parts_;

public:
    Groups& groups;
    Values& values;
    Templates& templates;
    StaticFiles& static_files;
    TaskGroup& background;
};

// The client's end of a WebSocket. It answers pings and closes like any good client.
class Client {
public:
    Client(Client&& other) noexcept;
    Client& operator=(Client&& other) noexcept;
    // Closes with 1001, as a browser does when its page is left.
    ~Client();

    // Sends a message, and returns when the views have finished reacting.
    void send(const Message& message);
    // The next message. Throws NothingCame, also if the WebSocket is closed.
    Message recv();
    // Whether a message is waiting.
    [[nodiscard]] bool has_message();

    void close(std::uint16_t code = CloseCode::kNormal, std::string_view reason = {});
    // Loses the connection, without a word.
    void vanish();
    [[nodiscard]] bool is_open();
    // How the server closed, or answered the close. Throws NothingCame if the WebSocket is open.
    const CloseInfo& close_info();

    // Makes the client slow: it takes nothing from the server until it goes on reading.
    void stop_reading();
    void go_on_reading();

    [[nodiscard]] const std::string& subprotocol() const noexcept;
    // Whether the server has agreed to compress.
    [[nodiscard]] bool is_compressed() const noexcept;
    // How many bytes the server has sent to this client, including the handshake.
    [[nodiscard]] std::size_t bytes_received() const noexcept;

private:
    friend class Server;
    struct State;
    explicit Client(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

// Optional parts of a client's handshake.
struct ClientOptions {
    std::vector<std::string> subprotocols = {};
    Headers headers = {};
    Compression compression = Compression::kOff;  // is offered
};

// A server of these routes, without a network. It is called "localhost".
class Server {
public:
    explicit Server(Urls urls, Settings settings = quiet_settings());
    // Serves the routes of a whole site, which was given `services`.
    Server(Services& services, Urls urls);
    // Closes all connections, as a server that is stopped does, and waits for the views.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Opens a WebSocket. Throws Refused, and NothingCame if the view waits for something before it accepts.
    [[nodiscard]] Client connect(std::string_view target, const ClientOptions& options = {});

    Response get(std::string_view target, const Headers& headers = {});
    // Posts a form, or a body of the Content-Type among `headers`.
    Response post(std::string_view target, std::string_view body, const Headers& headers = {});
    // Any request. A Host is added if there is none.
    Response request(std::string_view method, std::string_view target, const Headers& headers = {},
                     std::string_view body = {});

    // Moves the clock; everything due meanwhile happens in its order.
    void advance(Duration time);
    // Closes it now, rather than at the end.
    void close();

private:
    struct State;

    std::unique_ptr<State> state_;
};

}  // namespace c10k::testkit
