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
    }

    Task<> run() override {
        endpoint_.max_message_bytes = 64 * 1024 * 1024;
        endpoint_.compression = {.from_bytes = 0, .context_takeover = ContextTakeover::kYes, .window_bits = 15};
        const Endpoint suite{url_, endpoint_};
        for (;;) {
            try {
                co_await connect(suite, echo);
            } catch (const ConnectionClosed&) {  // NOLINT(bugprone-empty-catch): inside send(), which is as good
            } catch (const ConnectError& refused) {
                std::puts(refused.what());
                co_return;
            }
        }
    }

private:
    std::string url_;
    EndpointOptions endpoint_;
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
