// The client that the conformance suite talks to: it connects and echoes, again and again, until it is refused.

#include <c10k/client.hpp>
#include <c10k/manage.hpp>

#include <cstdio>
#include <string>

namespace {

using namespace c10k;

Task<> echo(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

class Talk final : public Command {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "talk"; }
    [[nodiscard]] std::string_view help() const noexcept override { return "Connect and echo until it is refused"; }
    void declare_options(CommandOptions& options) override {
        options.text("url", url_, "Of the suite").required();
        options.text("--ca-file", endpoint_.ca_file, "For wss://: whose certificate to trust");
        options.flag("--http2", uses_http2_, "On a stream of an HTTP/2 connection");
    }

    Task<> run() override {
        endpoint_.max_message_bytes = 64 * 1024 * 1024;
        endpoint_.compression = {.from_bytes = 0, .context_takeover = ContextTakeover::kYes, .window_bits = 15};
        if (uses_http2_) {
            endpoint_.http2.emplace();
        }
        const Endpoint suite{url_, endpoint_};
        bool is_refused = false;
        while (!is_refused) {
            try {
                co_await connect(suite, echo);
            } catch (const ConnectionClosed&) {  // NOLINT(bugprone-empty-catch): inside send(), which is as good
            } catch (const ConnectError& refused) {
                std::puts(refused.what());
                is_refused = true;
            }
        }
        co_await yield();  // in which the loop sends what ends a stream and its connection
    }

private:
    std::string url_;
    EndpointOptions endpoint_;
    bool uses_http2_ = false;
};

struct NoSite {
    explicit NoSite(Services& /*services*/) {}
    Urls urls() { return {}; }
};

}  // namespace

int main(int argc, char** argv) {
    Talk talk;
    return manage<NoSite>(argc, argv, {&talk});
}
