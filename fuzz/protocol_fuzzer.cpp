// A WebSocket after the 101 (RFC 6455, 5 to 7), both sides.
//
// The first byte of an input says which: bit 0: client, bit 1: large messages, bits 2 and 3: when our side closes.

#include "base/block_pool.hpp"
#include "memory.hpp"
#include "pieces.hpp"
#include "protocol_model.hpp"
#include "require.hpp"
#include "sink.hpp"
#include "wire/protocol.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace c10k;
using namespace c10k::wire;
using fuzz::Cut;
using fuzz::require;
using fuzz::Setting;
using Lines = std::vector<std::string>;
using State = Protocol::State;

Setting setting_of(char first) {
    Setting setting{
        .is_server = (first & 1) == 0, .max_message = (first & 2) == 0 ? 40U : 100'000U, .closes_after = {}};
    switch (first >> 2 & 3) {
        case 1: setting.closes_after = 0; break;
        case 2: setting.closes_after = 1; break;
        case 3: setting.closes_after = 3; break;
        default: break;
    }
    return setting;
}

// It must be cut, and not inside a character.
const std::string kReason = [] {
    std::string reason;
    while (reason.size() < kMaxControlBytes) {
        reason += "\u00fc";
    }
    return reason;
}();

Role role_of(const Setting& setting) { return setting.is_server ? Role::kServer : Role::kClient; }

// One side, a transcript of what comes out of it as the model has it, and all that it sends: its replies, and an echo
// of each message.
class Side : public Protocol::Events {
public:
    explicit Side(const Setting& setting)
        : limits{.max_message_bytes = static_cast<std::uint32_t>(setting.max_message)},
          protocol(role_of(setting), limits), closes_after_(setting.closes_after) {
        close_if_time();
    }

    void receive(std::span<char> piece) { protocol.receive(piece, *this); }

    void on_message(Message message) override {
        require(protocol.state() == State::kOpen, "no message comes after our close frame");
        const Opcode opcode = message.is_text() ? Opcode::kText : Opcode::kBinary;
        if (protocol.role() == Role::kServer) {
            sent += message.frame();
        } else {
            append_frame(protocol.role(), opcode, message.view(), sent);
        }
        add((message.is_text() ? "text " : "binary ") + std::string(message.view()));
    }
    void on_pong(std::string_view payload) override { add("pong " + std::string(payload)); }
    void on_reply(std::string_view frame) override {
        sent += frame;
        add("reply " + described(frame));
    }
    void on_close(const CloseInfo& info, Violation violation) override {
        const bool failed = protocol.state() == State::kFailed;
        require(failed || protocol.state() == State::kClosed, "a close ends the protocol");
        require(failed == (violation != Violation::kNone), "a failure has a violation");
        add((failed ? "failed " : "closed ") + std::to_string(info.code) + (failed ? "" : ' ' + info.reason));
        closed_ = true;
    }

    const WebSocketLimits limits;
    Protocol protocol;
    Lines lines;
    std::string sent;

private:
    void add(std::string line) {
        require(!closed_, "nothing comes after a close");
        lines.push_back(std::move(line));
        close_if_time();
    }

    void close_if_time() {
        if (lines.size() == closes_after_) {
            const bool was_open = protocol.state() == State::kOpen;
            const ControlFrame frame = protocol.close(1001, kReason);
            require(frame.empty() != was_open, "a side closes once");
            if (was_open) {
                on_reply(frame.view());
            }
        }
    }

    // A frame of ours, read without the code under test.
    [[nodiscard]] std::string described(std::string_view frame) const {
        const bool is_masked = protocol.role() == Role::kClient;
        const std::size_t header = is_masked ? 6 : 2;
        require(frame.size() >= header && frame.size() <= header + 125, "a control frame is small");
        require(static_cast<unsigned char>(frame[1]) == (is_masked ? 128 : 0) + (frame.size() - header),
                "a client masks, a server does not");
        std::string payload(frame.substr(header));
        for (std::size_t i = 0; is_masked && i < payload.size(); ++i) {
            payload[i] = static_cast<char>(payload[i] ^ frame[2 + i % 4]);
        }
        if (frame[0] == '\x8A') {
            return "pong " + payload;
        }
        require(frame[0] == '\x88' && payload.size() != 1, "else it is a close frame");
        return "close " + std::to_string(payload.empty() ? 1005
                                                         : static_cast<unsigned char>(payload[0]) * 256 +
                                                               static_cast<unsigned char>(payload[1]));
    }

    const std::optional<std::size_t> closes_after_;
    bool closed_ = false;
};

void require_ended_well(Side& side) {
    const auto closes = std::count_if(side.lines.begin(), side.lines.end(),
                                      [](const std::string& line) { return line.starts_with("reply close"); });
    require(closes == (side.protocol.state() == State::kOpen ? 0 : 1),
            "a side that is not open has sent one close frame");
    if (side.protocol.state() != State::kOpen) {
        require(side.protocol.ping("late").empty(), "nothing is sent after a close frame");
    }
    if (side.protocol.state() == State::kClosed || side.protocol.state() == State::kFailed) {
        require(side.protocol.held_bytes() == 0, "the end frees all memory");
        std::string late = "\x81\x85\1\2\3\4Hello";
        side.receive(late);  // which would add a line
    }
}

// The other side understands all that this one sends: each message comes back, each ping has its pong.
void answer(const Side& side) {
    Side peer({.is_server = side.protocol.role() == Role::kClient, .max_message = 100'000, .closes_after = {}});
    std::string sent = side.sent;
    peer.receive(sent);
    Lines expected;
    for (const std::string& line : side.lines) {
        if (line.starts_with("text ") || line.starts_with("binary ")) {
            expected.push_back(line);
        } else if (line.starts_with("reply pong ")) {
            expected.push_back(line.substr(6));
        } else if (line.starts_with("reply close ")) {
            expected.push_back(line);
        }
    }
    require(peer.protocol.state() != State::kFailed, "the other side finds no fault");
    if (peer.protocol.state() == State::kClosed) {
        require(peer.lines.back().starts_with("closed"), "the other side has closed");
        peer.lines.pop_back();
    }
    require(peer.lines == expected, "the other side reads what was sent");
}

// Memory follows what has arrived, and never exceeds the largest message.
void weigh(const Setting& setting, std::string_view bytes, Cut cut) {
    constexpr std::size_t kConstant = kMaxControlBytes + 128;
    const WebSocketLimits limits{.max_message_bytes = static_cast<std::uint32_t>(setting.max_message)};
    Protocol protocol(role_of(setting), limits);
    fuzz::Sink sink;
    fuzz::MemoryMeter memory;
    std::size_t arrived = 0;
    fuzz::deliver(bytes, cut, [&](std::span<char> piece) {
        memory.watch([&] { protocol.receive(piece, sink); });
        arrived += piece.size();
        require(memory.held() == protocol.held_bytes(), "a protocol knows what it holds");
        const std::size_t most = BlockPool::rounded(std::min(2 * arrived, setting.max_message) + kConstant);
        require(memory.held() <= most, "it holds what has arrived");
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const Setting setting = setting_of(input[0]);
    const std::string_view bytes = input.substr(1);

    fuzz::ProtocolModel model(setting);
    model.read(bytes);
    for (const Cut cut : fuzz::kCuts) {
        Side side(setting);
        std::size_t arrived = 0;
        fuzz::deliver(bytes, cut, [&](std::span<char> piece) {
            side.receive(piece);
            arrived += piece.size();
            require(side.lines.size() == model.lines_after(arrived), "each byte is judged as soon as it is there");
        });
        require(side.lines == model.lines(), "however the bytes are cut, what comes out is what the RFC says");
        require_ended_well(side);
        answer(side);
        weigh(setting, bytes, cut);
    }
    return 0;
}
