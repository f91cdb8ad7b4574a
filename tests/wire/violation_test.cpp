#include "wire/violation.hpp"

#include "c10k/close_code.hpp"
#include "wire/sides.hpp"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace c10k::wire {
namespace {

constexpr int kKinds = Violation::kFragmentTooBig + 1;

// RFC 6455, 7.4.1, and IANA's registry: 1004 is reserved, and 1005, 1006 and 1015 never go on the wire.
TEST(CloseCode, MayBeSentIfItMeansSomethingToThePeer) {
    std::set<int> may;
    for (int code = 0; code <= 0xFFFF; ++code) {
        if (CloseCode::is_sendable(static_cast<std::uint16_t>(code))) {
            may.insert(code);
        }
    }
    std::set<int> expected{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
    for (int code = 3000; code <= 4999; ++code) {
        expected.insert(code);
    }
    EXPECT_EQ(may, expected);
}

TEST(Violation, HasACodeThatMayBeSentAndATextOfItsOwnThatFitsIntoACloseFrame) {
    EXPECT_FALSE(Violation{});
    std::set<std::string_view> texts;
    for (int kind = Violation::kNone + 1; kind < kKinds; ++kind) {
        const Violation violation = static_cast<Violation::Kind>(kind);
        EXPECT_TRUE(violation);
        EXPECT_TRUE(CloseCode::is_sendable(violation.code())) << kind;
        EXPECT_FALSE(violation.text().empty()) << kind;
        EXPECT_LE(violation.text().size(), kMaxControlBytes - 2) << kind;
        texts.insert(violation.text());
    }
    EXPECT_EQ(texts.size(), static_cast<std::size_t>(kKinds - 1));
}

Violation::Kind violation_of(std::string_view bytes) {
    Side server{Role::kServer, {.max_message_bytes = 100, .max_fragment_bytes = 50, .max_fragments = 2}};
    server.receive(bytes);
    return server.violation;
}

TEST(Violation, IsToldByOnCloseAndIsNoneIfThePeerHasClosed) {
    const FrameMaker peer{Role::kServer};
    EXPECT_EQ(violation_of(peer.close(1009, "message too big")), Violation::kNone);
    EXPECT_EQ(violation_of(peer.frame(0x82, std::string(101, 'a'))), Violation::kMessageTooBig);
    EXPECT_EQ(violation_of(peer.frame(0x02, std::string(51, 'a'))), Violation::kFragmentTooBig);
    EXPECT_EQ(violation_of(peer.frame(0x02, "a") + peer.frame(0x00, "b") + peer.frame(0x00, "c")),
              Violation::kTooManyFragments);
    EXPECT_EQ(violation_of(peer.frame(0xC1, "a")), Violation::kReservedBits);
    EXPECT_EQ(violation_of(FrameMaker{Role::kClient}.text("a")), Violation::kUnmaskedFrame);
    EXPECT_EQ(violation_of(peer.text("\xff")), Violation::kTextNotUtf8);
    EXPECT_EQ(violation_of(peer.text("\xc3")), Violation::kTextCut);
    EXPECT_EQ(violation_of(peer.close(1005)), Violation::kInvalidCloseCode);
}

}  // namespace
}  // namespace c10k::wire
