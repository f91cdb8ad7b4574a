#include "live/connection_query.hpp"

#include <gtest/gtest.h>
#include <string>

namespace c10k {
namespace {

ConnectionView some_connection() {
    ConnectionView view{.id = {.loop = 1, .slot = 5, .generation = 2}};
    view.route = "/chat/<str:room>/";
    view.path = "/chat/lobby/";
    view.peer = "10.0.4.17:42019";
    view.received = 3;
    view.sent = 1'200;
    view.queued = 70'000;
    view.memory = 2'100;
    view.age = 90'000;
    view.idle = 6'800;
    return view;
}

bool finds(std::string_view query) { return ConnectionQuery{query, 4}.matches(some_connection()); }

TEST(ConnectionQuery, FindsWordsAnywhereAndInOneColumn) {
    for (const char* query :
         {"", "  ", "lobby", "17:420", "15-2", "route:/chat/", "path:lobby peer:10.0.4.17", "id:15", "loop:2"}) {
        EXPECT_TRUE(finds(query)) << query;
    }
    for (const char* query : {"kitchen", "route:lobby", "loop:1", "lobby kitchen", "id:16", "peer:10.0.5"}) {
        EXPECT_FALSE(finds(query)) << query;
    }
}

TEST(ConnectionQuery, ComparesAmountsAndTimes) {
    for (const char* query : {"queued>64k", "queued<1M", "out>1.1k", "in<4", "idle>6s", "idle<7", "idle>6000ms",
                              "age>1m", "age<2min", "age<1h", "memory>2k", "loop>1"}) {
        EXPECT_TRUE(finds(query)) << query;
    }
    for (const char* query : {"queued>70k", "idle>7", "age>2min", "out<1k", "in>3"}) {
        EXPECT_FALSE(finds(query)) << query;
    }
}

TEST(ConnectionQuery, TakesWhatItDoesNotUnderstandForText) {
    for (const char* query : {"queued>", "queued>many", "nothing:x", "idle>1x", "route:", "queued>1e400"}) {
        EXPECT_FALSE(finds(query)) << query;
    }
}

TEST(ConnectionQuery, LeavesWordsOutThatAreTooMany) {
    std::string query;
    for (std::size_t i = 0; i < ConnectionQuery::kMostWords; ++i) {
        query += "lobby ";
    }
    EXPECT_TRUE(finds(query + "kitchen"));
}

TEST(ConnectionId, IsReadAsItIsWritten) {
    for (const ConnectionId id : {ConnectionId{0, 0, 0}, ConnectionId{3, 41'000, 0}, ConnectionId{1, 5, 0xffff'ffff}}) {
        EXPECT_EQ(ConnectionId::parse(id.text(4), 4), id) << id.text(4);
    }
    for (const char* text :
         {"", "-", "1-", "-1", "x", "1-2-3", "ffffffffffffffff", "10000000000000000", "1-100000000", " 1"}) {
        EXPECT_FALSE(ConnectionId::parse(text, 4)) << text;
    }
}

}  // namespace
}  // namespace c10k
