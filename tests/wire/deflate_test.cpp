#include "wire/deflate.hpp"

#include "base/block_pool.hpp"
#include "wire/permessage_deflate.hpp"
#include "wire/zlib_peer.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace c10k::wire {
namespace {

using namespace std::string_literals;
using Result = Inflater::Result;

constexpr std::size_t kMax = 100'000;
// RFC 7692, 7.2.3.1 to 7.2.3.5.
const std::string kHello = "\xF2\x48\xCD\xC9\xC9\x07\x00"s;
const std::string kHelloAgain = "\xF2\x00\x11\x00\x00"s;
const std::string kHelloStored = "\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00"s;
const std::string kHelloFinal = "\xF3\x48\xCD\xC9\xC9\x07\x00\x00"s;
const std::string kHelloInTwoBlocks = "\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00"s;

// Lines that have something in common, with those before them too.
std::string lines(unsigned seed, std::size_t size) {
    std::mt19937 random(seed);
    std::string text;
    while (text.size() < size) {
        text += "{\"row\": " + std::to_string(random() % 1000) + ", \"state\": \"alive\"}\n";
    }
    text.resize(size);
    return text;
}

std::string noise(std::size_t size, unsigned seed = 7692) {
    std::mt19937 random(seed);
    std::string bytes;
    while (bytes.size() < size) {
        bytes += static_cast<char>(random());
    }
    return bytes;
}

// A whole message; "corrupt" or "too big" if it is none.
std::string inflated(Inflater& inflater, std::string_view payload, std::size_t limit = kMax,
                     std::size_t part = SIZE_MAX) {
    MessageBuilder message;
    Result result = Result::kGood;
    while (result == Result::kGood && !payload.empty()) {
        const std::string exact{payload.substr(0, part)};
        result = inflater.inflate(exact, message, limit);
        payload.remove_prefix(exact.size());
        EXPECT_LE(message.size(), limit);
        EXPECT_LE(message.held_bytes(), BlockPool::rounded(limit + 32));
    }
    if (result == Result::kGood) {
        result = inflater.end_message(message, limit);
    }
    return result == Result::kCorrupt ? "corrupt" : result == Result::kTooBig ? "too big" : std::string{message.view()};
}

std::string inflated(std::string_view payload, std::size_t limit = kMax, std::size_t part = SIZE_MAX) {
    Inflater inflater{15};
    return inflated(inflater, payload, limit, part);
}

std::string compressed(Deflater& deflater, std::string_view payload) {
    const auto message = deflater.compress(Message::Kind::kText, payload);
    return message ? std::string{message->payload()} : "as it is";
}

// ---- In

TEST(Inflater, ReadsTheStandardsExamples) {
    EXPECT_EQ(inflated(kHello), "Hello");
    EXPECT_EQ(inflated(kHelloStored), "Hello");
    EXPECT_EQ(inflated(kHelloFinal), "Hello");
    EXPECT_EQ(inflated(kHelloInTwoBlocks), "Hello");
    EXPECT_EQ(inflated("\0"s), "");  // RFC 7692, 7.2.3.6
    Inflater inflater{15};
    EXPECT_EQ(inflated(inflater, kHello), "Hello");
    EXPECT_EQ(inflated(inflater, kHelloAgain), "Hello");  // which is a reference into the first
}

// Row 52.
TEST(Inflater, Row52GoesOnBehindAFinalBlock) {
    EXPECT_EQ(inflated(kHelloFinal.substr(0, 7) + kHello), "HelloHello");
    EXPECT_EQ(inflated(kHelloFinal.substr(0, 7) + kHelloStored), "HelloHello");
    Inflater inflater{15};
    EXPECT_EQ(inflated(inflater, kHelloFinal), "Hello");
    EXPECT_EQ(inflated(inflater, kHelloAgain), "Hello");  // the window outlasts the final block
}

// Row 49: what does not end with an empty block when its tail is there again ends inside something.
TEST(Inflater, Row49FindsCorruptData) {
    for (const std::string& bad :
         {""s, "\x07"s, "\xFF\xFF\xFF"s, "\x06"s, "\x01\x05\x00\x00\x00"s, kHello.substr(0, 5), kHello.substr(0, 6),
          kHello + "\xFF", kHelloFinal.substr(0, 7), kHelloAgain, kHello + "\x00\x00\xFF\xFF"s, kHelloStored + "\xF2",
          "\x00\x05"s, "\x00\x05\x00\xFA\xFE\x48"s, "\x00\x06\x00\xF9\xFF\x48"s, kHelloFinal + "\x07",
          "this is no deflate"s}) {
        EXPECT_EQ(inflated(bad), "corrupt") << testing::PrintToString(bad);
        EXPECT_EQ(inflated(bad, kMax, 1), "corrupt") << testing::PrintToString(bad);
    }
}

TEST(Inflater, ReadsWhatZlibSendsHoweverItIsCut) {
    for (const int bits : {9, 10, 12, 15}) {
        for (const std::size_t part : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, SIZE_MAX}) {
            ZlibSender sender{bits};
            Inflater inflater{static_cast<std::uint8_t>(bits)};
            for (unsigned number = 0; number < 20; ++number) {
                const std::string text = lines(number, number * 397 % 5000);
                ASSERT_EQ(inflated(inflater, sender.message(text), kMax, part), text);
            }
            ASSERT_TRUE(inflated(inflater, sender.message(noise(50'000)), kMax, part) == noise(50'000));
        }
    }
}

TEST(Inflater, ForgetsAll) {
    Inflater inflater{15};
    EXPECT_EQ(inflated(inflater, kHello), "Hello");
    inflater.reset(15);
    EXPECT_EQ(inflated(inflater, kHelloAgain), "corrupt");
    inflater.reset(9);
    EXPECT_EQ(inflated(inflater, kHello), "Hello");
}

// Row 50, CVE-2018-1000518, CVE-2026-1526: bounded while it inflates, and not afterwards.
TEST(Inflater, Row50Cve20181000518NeverHoldsMoreThanTheLimit) {
    const std::string bomb = ZlibSender{15, 9}.message(std::string(64 << 20, '\0'));
    EXPECT_LT(bomb.size(), std::size_t{70} * 1024);
    for (const std::size_t part : {std::size_t{1}, std::size_t{100}, SIZE_MAX}) {
        EXPECT_EQ(inflated(bomb, kMax, part), "too big");
    }
}

TEST(Inflater, Row50TakesTheLargestMessageAndNotOneByteMore) {
    for (const std::size_t limit : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}, kMax}) {
        for (const std::size_t part : {std::size_t{1}, SIZE_MAX}) {
            const std::string text = lines(1, limit);
            EXPECT_EQ(inflated(ZlibSender{}.message(text), limit, part), text);
            EXPECT_EQ(inflated(ZlibSender{}.message(text + "x"), limit, part), "too big");
            EXPECT_EQ(inflated("\x00\x00\x00\xFF\xFF"s + kHelloStored, 5, part), "Hello");
            EXPECT_EQ(inflated("\x00\x00\x00\xFF\xFF"s + kHelloStored, 4, part), "too big");
        }
    }
    EXPECT_EQ(inflated("\0"s, 0), "");
}

// ---- Out

TEST(Deflater, WritesWhatZlibReads) {
    for (std::uint8_t bits = 8; bits <= 15; ++bits) {
        Deflater deflater{bits};
        ZlibReceiver receiver{bits};  // with a window of 8 bits too, for which zlib cannot compress
        for (unsigned number = 0; number < 20; ++number) {
            const std::string text = lines(number, 200 + number * 1777 % 20'000);
            const std::string payload = compressed(deflater, text);
            EXPECT_LT(payload.size(), text.size()) << int{bits};
            ASSERT_EQ(receiver.message(payload), text) << int{bits};
        }
    }
}

// A reference would say a thousand letters in a dozen bytes; a letter without one takes a bit.
TEST(Deflater, RefersToNothingInAWindowOf8Bits) {
    Deflater deflater{8};
    EXPECT_GE(compressed(deflater, std::string(1000, 'a')).size(), 1000U / 8);
}

// RFC 7692, 7.1.1: a later message may refer to an earlier one.
TEST(Deflater, RefersToWhatItHasSentUntilItIsReset) {
    Deflater deflater{15};
    const std::string text = lines(1, 1000);
    const std::size_t first = compressed(deflater, text).size();
    EXPECT_LT(compressed(deflater, text).size(), first / 5);
    deflater.reset();
    EXPECT_EQ(compressed(deflater, text).size(), first);
}

// A message that is sent uncompressed, since deflate would not make it smaller, must not be referred to afterwards.
TEST(Deflater, LeavesWhatWouldNotBeSmaller) {
    Deflater deflater{15};
    ZlibReceiver receiver;
    EXPECT_EQ(compressed(deflater, ""), "as it is");
    EXPECT_EQ(compressed(deflater, "a"), "as it is");
    for (const std::size_t size : {100, 10'000, 100'000}) {
        const std::string text = lines(1, 5000);
        ASSERT_EQ(receiver.message(compressed(deflater, text)), text);
        EXPECT_TRUE(compressed(deflater, noise(size)) == "as it is");
        ASSERT_TRUE(receiver.message(compressed(deflater, noise(size) + text)) == noise(size) + text);
        deflater.reset();
    }
}

// RFC 7692, 6.
TEST(Deflater, SaysInTheFrameThatItIsCompressed) {
    Deflater deflater{15};
    const auto text = deflater.compress(Message::Kind::kText, lines(1, 1000));
    ASSERT_TRUE(text);
    EXPECT_EQ(text->bytes()[0], '\xC1');
    EXPECT_TRUE(text->bytes().ends_with(text->payload()));
    EXPECT_EQ(deflater.compress(Message::Kind::kBinary, lines(1, 100'000))->bytes()[0], '\xC2');
}

TEST(Deflater, EndsMessagesOfEverySizeOnce) {
    Deflater deflater{15};
    ZlibReceiver receiver;
    for (std::size_t size = 1; size < 3000; ++size) {
        const std::string text(size, 'a');
        const std::string payload = compressed(deflater, text);
        if (payload != "as it is") {
            ASSERT_FALSE(payload.ends_with("\x00\x00\xFF\xFF"s)) << size;
            ASSERT_EQ(receiver.message(payload), text) << size;
        }
    }
}

// ---- Both, as a connection has them

const DeflateParameters kKeepAll{};
const DeflateParameters kKeepNothing{.server_no_context_takeover = true,
                                     .client_no_context_takeover = true,
                                     .server_max_window_bits = {},
                                     .client_max_window_bits = {}};

std::string sent(PermessageDeflate& deflate, std::string_view payload) {
    const auto message = deflate.compress(Message::Kind::kText, payload);
    return message ? std::string{message->payload()} : "as it is";
}

bool is_compressed(const internal::EncodedFrame& frame) { return FrameHeader(frame.bytes()).is_compressed(); }

std::string received(PermessageDeflate& deflate, std::string_view payload) {
    MessageBuilder message;
    const bool good =
        deflate.inflate(payload, message, kMax) == Result::kGood && deflate.end_message(message, kMax) == Result::kGood;
    return good ? std::string{message.view()} : "corrupt";
}

// Row 53: each side does with each direction what is agreed on for it.
TEST(PermessageDeflate, Row53DoesWhatIsAgreedOnForItsSide) {
    DeflatePool pool;
    const DeflateParameters agreed{.server_no_context_takeover = true,
                                   .client_no_context_takeover = false,
                                   .server_max_window_bits = 9,
                                   .client_max_window_bits = 15};
    PermessageDeflate server{Role::kServer, agreed, 0, pool};
    PermessageDeflate client{Role::kClient, agreed, 0, pool};
    const std::string text = noise(2000) + noise(2000);  // whose second half a window of 9 bits does not reach
    EXPECT_TRUE(sent(server, text) == "as it is");
    const std::string first = sent(client, text);
    EXPECT_LT(first.size(), 2500U);
    const std::string second = sent(client, text);
    EXPECT_LT(second.size(), 200U);
    EXPECT_TRUE(received(server, first) == text);
    EXPECT_TRUE(received(server, second) == text);

    const std::string words = lines(1, 300);
    EXPECT_EQ(sent(server, words), sent(server, words));
    EXPECT_EQ(received(client, sent(server, words)), words);
    EXPECT_EQ(ZlibReceiver{9}.message(sent(server, lines(1, 5000))), lines(1, 5000));
}

TEST(PermessageDeflate, LeavesSmallMessagesAsTheyAre) {
    DeflatePool pool;
    PermessageDeflate deflate{Role::kServer, kKeepAll, 256, pool};
    EXPECT_EQ(sent(deflate, std::string(255, 'a')), "as it is");
    EXPECT_NE(sent(deflate, std::string(256, 'a')), "as it is");
}

TEST(PermessageDeflate, BorrowsWhatItDoesNotKeep) {
    DeflatePool pool;
    PermessageDeflate one{Role::kServer, kKeepNothing, 0, pool};
    PermessageDeflate other{Role::kServer, kKeepNothing, 0, pool};
    MessageBuilder message;
    EXPECT_EQ(one.inflate(kHello, message, kMax), Result::kGood);
    EXPECT_EQ(received(other, kHelloStored), "Hello");  // while one still has its own
    EXPECT_EQ(one.end_message(message, kMax), Result::kGood);
    EXPECT_EQ(message.view(), "Hello");
    EXPECT_EQ(received(other, kHelloAgain), "corrupt");  // there is nothing of an earlier message in it
    EXPECT_EQ(received(one, kHello), "Hello");
}

// A message that begins anew can be read by everybody, whatever they have; then the sender's own window and its peer's
// are no longer the same, until it begins anew as well.
TEST(PermessageDeflate, SharesOneCompressionWithConnectionsThatKeepTheirContext) {
    DeflatePool pool;
    for (std::uint8_t bits = 8; bits <= 15; ++bits) {
        DeflateParameters keeps;
        keeps.server_max_window_bits = bits;
        DeflateParameters forgets = keeps;
        forgets.server_no_context_takeover = true;
        PermessageDeflate one{Role::kServer, keeps, 0, pool};
        PermessageDeflate other{Role::kServer, forgets, 0, pool};
        ZlibReceiver one_peer{bits};
        for (unsigned round = 0; round < 20; ++round) {
            const std::string own = lines(round, 3000);
            ASSERT_EQ(one_peer.message(sent(one, own)), own);
            ASSERT_EQ(one_peer.message(sent(one, own)), own);

            const Message shared{lines(round % 3, 1000 * (1 + round))};
            PreparedMessage prepared{shared};
            const internal::EncodedFrame to_one = one.compress_standalone(prepared);
            const internal::EncodedFrame to_other = other.compress_standalone(prepared);
            ASSERT_TRUE(is_compressed(to_one) && is_compressed(to_other));
            EXPECT_EQ(to_one.bytes().data(), to_other.bytes().data());
            ASSERT_EQ(one_peer.message(to_one.payload()), shared.view()) << round;
            ASSERT_EQ(ZlibReceiver{bits}.message(to_other.payload()), shared.view()) << round;
        }
    }
}

TEST(DeflatePool, LendsWhatWasGivenBackAndKeepsAFew) {
    DeflatePool pool;
    std::vector<std::unique_ptr<Inflater>> lent;
    std::set<Inflater*> known;
    for (int i = 0; i < 100; ++i) {
        known.insert(lent.emplace_back(pool.take_inflater(15)).get());
    }
    for (auto& inflater : lent) {
        pool.give_back(std::move(inflater));
    }
    EXPECT_TRUE(known.contains(pool.take_inflater(9).get()));
}

TEST(PermessageDeflate, LeavesToManyAsToOneWhatIsSmallOrDoesNotGetSmaller) {
    DeflatePool pool;
    PermessageDeflate deflate{Role::kServer, kKeepAll, 100, pool};
    std::string noise;
    for (std::uint32_t seed = 1; noise.size() < 1000; seed = seed * 1664525 + 1013904223) {
        noise += static_cast<char>(seed >> 24);
    }
    ASSERT_TRUE(deflate.compress(Message::Kind::kText, lines(1, 1000)));
    for (const std::string& text : {std::string(99, 'a'), noise}) {
        EXPECT_FALSE(deflate.compress(Message::Kind::kBinary, text));
        const Message message = Message::binary(text);
        PreparedMessage prepared{message};
        EXPECT_EQ(deflate.compress_standalone(prepared).bytes().data(), message.frame().data());
    }
}

// Messages that a slow peer gets must not refer to those that it does not get.
TEST(PermessageDeflate, RefersToNothingThatMayBeLeftOut) {
    DeflatePool pool;
    PermessageDeflate deflate{Role::kServer, kKeepAll, 0, pool};
    ZlibReceiver peer;
    for (unsigned round = 0; round < 30; ++round) {
        const std::string text = lines(round % 4, 2000);
        const auto own = deflate.compress(Message::Kind::kText, text);
        ASSERT_EQ(peer.message(own->payload()), text) << round;
        const Message message{lines(round % 4, 3000)};
        PreparedMessage prepared{message};
        const internal::EncodedFrame standalone = deflate.compress_standalone(prepared);
        ASSERT_TRUE(is_compressed(standalone));
        if (round % 3 == 0) {
            ASSERT_EQ(peer.message(standalone.payload()), message.view()) << round;
        }
    }
}

TEST(PermessageDeflate, SharesWithThoseWhoHaveTheSameWindowOnly) {
    DeflatePool pool;
    DeflateParameters narrow;
    narrow.server_max_window_bits = 9;
    PermessageDeflate one{Role::kServer, kKeepAll, 0, pool};
    PermessageDeflate other{Role::kServer, narrow, 0, pool};
    PermessageDeflate late{Role::kServer, narrow, 2000, pool};
    const Message shared = Message::binary(noise(500) + lines(1, 1000) + noise(500));
    PreparedMessage prepared{shared};
    const internal::EncodedFrame to_one = one.compress_standalone(prepared);
    const internal::EncodedFrame to_other = other.compress_standalone(prepared);
    ASSERT_TRUE(is_compressed(to_one) && is_compressed(to_other));
    EXPECT_LT(to_one.payload().size(), to_other.payload().size());
    EXPECT_EQ(late.compress_standalone(prepared).bytes().data(), to_other.bytes().data());
    EXPECT_EQ(one.compress_standalone(prepared).bytes().data(), to_one.bytes().data());
    PreparedMessage again{shared};
    EXPECT_NE(one.compress_standalone(again).bytes().data(), to_one.bytes().data());
}

}  // namespace
}  // namespace c10k::wire
