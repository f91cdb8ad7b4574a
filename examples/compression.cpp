// Echoes that compress their messages, and a client that does so too:
//
//     compression runserver
//     compression talk --url ws://127.0.0.1:8000/keeping/ --keep
#include <c10k/client.hpp>
#include <c10k/compression.hpp>
#include <c10k/groups.hpp>
#include <c10k/manage.hpp>
#include <c10k/urls.hpp>
#include <c10k/websocket.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

using namespace c10k;

Task<> echo(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

class Site {
public:
    explicit Site(Services& services) : groups_(services.groups) {}

    // [urls]
    Urls urls() {
        return {
            path("plain/", echo).compression(Compression::kOff),  // whatever the settings say
            path("forgetting/", echo).compression(Compression::kOn),
            path("keeping/", echo).compression({.from_bytes = 64, .context_takeover = ContextTakeover::kYes}),
            path("narrow/", echo)
                .compression({.from_bytes = 64, .context_takeover = ContextTakeover::kYes, .window_bits = 9}),
            path("all/", this, &Site::all).compression(Compression::kOn),
            path("", [](Request&) { return Response::html("<!doctype html><title>Compression</title>\n"); }),
        };
    }
    // [/urls]

private:
    // Sends each message to all.
    Task<> all(WebSocket& socket) {
        Group group = groups_.named("all");
        const Membership here = co_await group.join(socket);
        while (auto message = co_await socket.recv()) {
            group.send(*message);
        }
    }

    Groups& groups_;
};

// Rows of a table that have much in common.
std::string rows(int first, int count) {
    std::string text;
    for (int row = first; row < first + count; ++row) {
        text += "{\"row\": " + std::to_string(row) + ", \"state\": \"alive\"}\n";
    }
    return text;
}

class Talk final : public Command {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "talk"; }
    [[nodiscard]] std::string_view help() const noexcept override { return "Talks to an echo, compressed if it can."; }
    void declare_options(CommandOptions& options) override {
        options.text("--url", url_, "Where the echo is");
        options.number("--window-bits", bits_, {8, 15}, "How far back to refer: 8 to 15");
        options.flag("--keep", keep_, "Keep the context from one message to the next");
    }

    Task<> run() override {
        // [client]
        const Compression compression{.context_takeover = keep_ ? ContextTakeover::kYes : ContextTakeover::kNo,
                                      .window_bits = static_cast<std::uint8_t>(bits_)};
        const Endpoint server{url_, {.compression = compression}};
        co_await connect(server, [](WebSocket& socket) -> Task<> {
            std::printf("%s\n", socket.is_compressed() ? "compressed" : "plain");
            // [/client]
            for (int round = 0; round < 20; ++round) {
                const std::string text = rows(round % 5, 1 + round * 20);
                co_await socket.send(text);
                const auto answer = co_await socket.recv();
                if (!answer || *answer != text) {
                    throw CommandError("that was no echo");
                }
            }
        });
        std::puts("20 messages came back");
    }

private:
    std::string url_ = "ws://127.0.0.1:8000/forgetting/";
    unsigned bits_ = 12;
    bool keep_ = false;
};

int main(int argc, char** argv) {
    Talk talk;
    return manage<Site>(argc, argv, {&talk});
}
