#include "c10k/groups.hpp"
#include "connection/zlib_client.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {
namespace {

using Captured = std::span<const std::string_view>;

class CompressedGroup : public OnEveryNetwork {
protected:
    // Everybody is in one group; what one says goes to all, and back to itself once more.
    [[nodiscard]] View talking() {
        return [this](WebSocket& socket, Captured) -> Task<> {
            Group group = groups->named("all");
            const Membership here = co_await group.join(socket);
            socket.accept();
            while (auto message = co_await socket.recv()) {
                group.send(*message);
                co_await socket.send(*message);
            }
        };
    }
    void SetUp() override {
        OnEveryNetwork::SetUp();
        if (!IsSkipped()) {
            groups.emplace();
        }
    }
    void TearDown() override {
        if (groups) {
            harness().close();  // its views are in the groups
            groups.reset();
        }
    }

    std::optional<Groups> groups;
};
INSTANTIATE_TEST_SUITE_P(Networks, CompressedGroup, every_network(), network_name);

// Shared and own messages by turns, each read by a zlib that has all that came before: RFC 7692, 7.1.1 and 7.2.3.2.
TEST_P(CompressedGroup, SharesMessagesWithEveryKindOfMember) {
    app.route.compression = {.from_bytes = 0, .context_takeover = ContextTakeover::kYes, .window_bits = 15};
    serve(talking());
    ZlibClient keeps{harness(), "permessage-deflate; client_max_window_bits"};
    ZlibClient forgets{harness(), "permessage-deflate; server_no_context_takeover; client_no_context_takeover"};
    ZlibClient narrow{harness(), "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9", 9};
    ZlibClient narrowest{harness(), "permessage-deflate; server_max_window_bits=8; client_max_window_bits", 8};
    ZlibClient plain{harness(), "nothing-that-we-know"};
    const std::vector<ZlibClient*> peers{&keeps, &forgets, &narrow, &narrowest, &plain};
    for (ZlibClient* peer : peers) {
        EXPECT_EQ(peer->agreed() == "nothing", peer == &plain);
    }
    int round = 0;
    for (const std::size_t size : {200, 3000, 200, 100'000, 300, 20'000, 3000}) {
        for (ZlibClient* speaker : peers) {
            const std::string text = rows(round++ % 5, size);
            speaker->send(ZlibClient::frame(0x81, text));
            for (ZlibClient* peer : peers) {
                const auto received = peer->take_frame();
                EXPECT_EQ(received.first, peer == &plain ? 0x81 : 0xC1);
                ASSERT_EQ(received.text, text) << round;
            }
            ASSERT_EQ(speaker->take_frame().text, text) << round;
        }
    }
}

}  // namespace
}  // namespace c10k
