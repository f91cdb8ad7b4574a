// permessage-deflate (RFC 7692): a WebSocket that gets compressed messages, and what we compress.
//
// The first byte of an input says which: bit 0: client, bit 1: large messages, bit 2: no context, bit 3: messages are
// taken one by one, bits 4 to 6: the window of what we send.

#include "memory.hpp"
#include "pieces.hpp"
#include "require.hpp"
#include "sink.hpp"
#include "wire/protocol.hpp"
#include "wire/zlib_receiver.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace c10k;
using namespace c10k::wire;
using fuzz::Cut;
using fuzz::require;
using Lines = std::vector<std::string>;

struct Setting {
    Role role;
    std::uint32_t max_message;
    bool keeps_context;
    bool pauses;
    std::uint8_t window_bits;
};

Setting setting_of(char first) {
    return {.role = (first & 1) == 0 ? Role::kServer : Role::kClient,
            .max_message = (first & 2) == 0 ? 40U : 100'000U,
            .keeps_context = (first & 4) == 0,
            .pauses = (first & 8) != 0,
            .window_bits = static_cast<std::uint8_t>(8 + (first >> 4 & 7))};
}

std::unique_ptr<PermessageDeflate> deflate_of(const Setting& setting, DeflatePool& pool) {
    // The peer's window is the largest there is: then nothing it sends can reach too far back.
    DeflateParameters agreed{.server_no_context_takeover = !setting.keeps_context,
                             .client_no_context_takeover = !setting.keeps_context,
                             .server_max_window_bits = {},
                             .client_max_window_bits = {}};
    (setting.role == Role::kServer ? agreed.server_max_window_bits : agreed.client_max_window_bits) =
        setting.window_bits;
    return std::make_unique<PermessageDeflate>(setting.role, agreed, 0, pool);
}

// A transcript of what comes out of one side.
class Side : public Protocol::Events {
public:
    Side(const Setting& setting, DeflatePool& pool)
        : limits{.max_message_bytes = setting.max_message}, protocol(setting.role, limits), pauses_(setting.pauses) {
        protocol.use(deflate_of(setting, pool));
    }

    void receive(std::span<char> piece) {
        protocol.receive(piece, *this);
        while (protocol.is_paused()) {
            protocol.resume(*this);
        }
    }

    void on_message(Message message) override {
        require(protocol.state() == Protocol::State::kOpen, "no message comes after our close frame");
        lines.push_back((message.is_text() ? "text " : "binary ") + std::string(message.view()));
        if (pauses_) {
            protocol.pause();
        }
    }
    void on_pong(std::string_view payload) override { lines.push_back("pong " + std::string(payload)); }
    void on_reply(std::string_view frame) override {
        require((frame[0] & 0x70) == 0, "a control frame is not compressed");
        // Without the mask, which is another each time.
        lines.push_back("reply " + std::to_string(frame[0] & 0x0F) + ' ' + std::to_string(frame.size()));
    }
    void on_close(const CloseInfo& info, Violation /*violation*/) override {
        lines.push_back("closed " + std::to_string(info.code) + ' ' + info.reason);
    }

    const WebSocketLimits limits;
    Protocol protocol;
    Lines lines;

private:
    bool pauses_;
};

// zlib's memory for one window, and what it has for itself.
constexpr std::size_t kInflaterBytes = (std::size_t{1} << 15) + 12'000;

void receive(const Setting& setting, std::string_view bytes) {
    std::optional<Lines> expected;
    for (const Cut cut : fuzz::kCuts) {
        DeflatePool pool;
        Side side(setting, pool);
        fuzz::deliver(bytes, cut, [&](std::span<char> piece) {
            side.receive(piece);
            require(side.protocol.held_bytes() <= setting.max_message + kMaxControlBytes + 128,
                    "no more is held than a message");
        });
        require(!expected || side.lines == *expected, "the same comes out however the bytes are cut");
        expected = side.lines;
    }
}

void weigh(const Setting& setting, std::string_view bytes) {
    DeflatePool pool;
    const WebSocketLimits limits{.max_message_bytes = setting.max_message};
    Protocol protocol(setting.role, limits);
    protocol.use(deflate_of(setting, pool));
    fuzz::Sink sink;
    fuzz::MemoryMeter memory;
    fuzz::deliver(bytes, Cut::kSomewhere, [&](std::span<char> piece) {
        memory.watch([&] { protocol.receive(piece, sink); });
        require(memory.held() <= setting.max_message + kMaxControlBytes + kInflaterBytes,
                "no more is held than a message and a window");
    });
}

// Messages are what lies between zeros; every third goes to many.
void send(const Setting& setting, std::string_view bytes) {
    DeflatePool pool;
    const auto deflate = deflate_of(setting, pool);
    ZlibReceiver receiver(setting.window_bits);
    for (int number = 0; !bytes.empty(); ++number) {
        const Message message = Message::binary(bytes.substr(0, bytes.find('\0')));
        bytes.remove_prefix(std::min(bytes.size(), message.size() + 1));
        internal::EncodedFrame frame = message.encoded_frame();
        if (number % 3 == 2) {
            PreparedMessage prepared(message);
            frame = deflate->compress_standalone(prepared);
        } else if (const auto compressed = deflate->compress(message.kind(), message.view())) {
            frame = *compressed;
        }
        if (frame.bytes()[0] != '\x82') {
            require(frame.bytes()[0] == '\xC2', "a compressed message says that it is");
            require(frame.payload().size() < message.size(), "and is smaller");
            require(receiver.message(frame.payload()) == message.view(), "the peer gets what was sent");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const Setting setting = setting_of(input[0]);
    receive(setting, input.substr(1));
    weigh(setting, input.substr(1));
    send(setting, input.substr(1));
    return 0;
}
