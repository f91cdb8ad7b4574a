#include "http2/http2_streams.hpp"

#include <gtest/gtest.h>
#include <random>
#include <unordered_map>
#include <vector>

namespace c10k {
namespace {

TEST(Http2Streams, FindsWhatIsThereAndNothingElseThroughManyChanges) {
    Http2Streams streams;
    Http2StreamIds ids(streams);
    std::unordered_map<std::uint32_t, SocketId> there;
    std::vector<SocketId> gone;
    std::mt19937 random(1);
    std::uint32_t next = 1;
    for (int round = 0; round < 20'000; ++round) {
        if (there.size() < 3'000 && random() % 5 < 3) {
            ids.reserve_one();
            const SocketId made = streams.add(7, next);
            ids.add(made.slot);
            there.emplace(next, made);
            next += 2 * (1 + random() % 40);
        } else if (!there.empty()) {
            const auto [id, socket] = *there.begin();
            ids.remove(socket.slot);
            streams.remove(socket.slot);
            gone.push_back(socket);
            there.erase(id);
        }
    }
    EXPECT_EQ(ids.size(), there.size());
    EXPECT_EQ(streams.count(), there.size());
    for (const auto& [id, socket] : there) {
        Http2Stream* const found = ids.find(id);
        ASSERT_NE(found, nullptr) << id;
        EXPECT_EQ(found, streams.find(socket));
        EXPECT_EQ(found->id, id);
        EXPECT_EQ(ids.found(), socket.slot);
        EXPECT_EQ(ids.find(id + 1), nullptr);
    }
    for (const SocketId socket : gone) {
        EXPECT_EQ(streams.find(socket), nullptr);
    }
}

TEST(Http2Streams, ToldNewsAreGoneAndSuchAsComeMeanwhileAreNot) {
    Http2Streams streams;
    const SocketId first = streams.add(0, 1);
    const SocketId second = streams.add(0, 3);
    streams.note_news(first.slot);
    streams.note_news(first.slot);
    streams.note_news(second.slot);
    std::vector<std::uint32_t> told;
    streams.tell_news([&](std::uint32_t slot) {
        told.push_back(slot);
        streams.note_news(slot);
        if (slot == first.slot) {
            streams.remove(second.slot);
        }
    });
    EXPECT_EQ(told, std::vector{first.slot});
    EXPECT_TRUE(streams.has_news());
}

}  // namespace
}  // namespace c10k
