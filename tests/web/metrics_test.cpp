#include "c10k/metrics.hpp"

#include "c10k/testkit.hpp"
#include "connection/loop_services.hpp"
#include "loop/loop.hpp"
#include "testkit/memory_backend.hpp"
#include "web/setting_rows.hpp"

#include <gtest/gtest.h>
#include <sstream>

namespace c10k {
namespace {

// The counters of a loop that is not there.
std::shared_ptr<Counters> counters_of_a_loop() {
    Loop loop{std::make_unique<MemoryBackend>()};
    return LoopServices::of(loop).counters;
}

bool has_line(const std::string& text, std::string_view line) {
    std::string whole{"\n"};
    whole.append(line).append("\n");
    return text.find(whole) != std::string::npos;
}

TEST(Metrics, SumUpTheLoops) {
    Metrics metrics;
    const auto one = counters_of_a_loop();
    const auto other = counters_of_a_loop();
    metrics.add(one);
    metrics.add(other);
    EXPECT_EQ(metrics.limits_that_struck(), "");
    one->accepted.add(5);
    one->open.add(2);
    one->open_tcp.add(7);
    other->open.add(1);
    other->open.subtract();
    one->count(Limit::kMaxHeadBytes);
    other->count(Limit::kMaxHeadBytes);
    other->limit_strikes[static_cast<std::size_t>(Limit::kPingTimeout)].add(12);
    one->count_close(1000);
    one->count_close(3999);
    one->count_close(4000);
    one->count_close(4999);
    const std::string text = metrics.serve(Request{}).body;
    EXPECT_TRUE(has_line(text, "c10k_connections_accepted_total 5"));
    EXPECT_TRUE(has_line(text, "c10k_connections_open 2"));
    EXPECT_TRUE(has_line(text, "c10k_tcp_connections_open 7"));
    EXPECT_TRUE(has_line(text, "c10k_websockets_closed_total{code=\"1000\"} 1"));
    EXPECT_TRUE(has_line(text, "c10k_websockets_closed_total{code=\"3xxx\"} 1"));
    EXPECT_TRUE(has_line(text, "c10k_websockets_closed_total{code=\"4xxx\"} 2"));
    EXPECT_TRUE(has_line(text, "c10k_limit_strikes_total{limit=\"max_head_bytes\"} 2"));
    EXPECT_TRUE(has_line(text, "c10k_limit_strikes_total{limit=\"max_connections\"} 0"));
    EXPECT_EQ(metrics.limits_that_struck(), "max_head_bytes 2, ping_timeout 12");
}

TEST(Metrics, CountEachLimitUnderTheNameOfItsSetting) {
    Metrics metrics;
    const auto loop = counters_of_a_loop();
    metrics.add(loop);
    for (std::size_t limit = 0; limit < kLimitCount; ++limit) {
        for (std::size_t strike = 0; strike <= limit; ++strike) {
            loop->count(static_cast<Limit>(limit));
        }
    }
    const std::string text = metrics.serve(Request{}).body;
    for (const SettingRow& row : setting_rows()) {
        const std::string sample = "c10k_limit_strikes_total{limit=\"" + std::string{row.name} + "\"} ";
        if (row.limit) {
            EXPECT_TRUE(has_line(text, sample + std::to_string(static_cast<std::size_t>(*row.limit) + 1))) << row.name;
        } else {
            EXPECT_EQ(text.find(sample), std::string::npos) << row.name;
        }
    }
}

Task<> echo_twice(WebSocket& socket) {
    while (const std::optional<Message> message = co_await socket.recv()) {
        co_await socket.send(*message);
        co_await socket.send(*message);
    }
}

Task<> say_nothing(WebSocket& socket) { co_await socket.recv(); }

TEST(Metrics, CountTheMessagesOfEachRoute) {
    testkit::Services services;
    testkit::Server server{services, Urls{path("echo/", echo_twice), path("quiet/\"ly\\/", say_nothing)}};
    const Metrics& metrics = static_cast<c10k::Services&>(services).metrics;
    testkit::Client one = server.connect("/echo/");
    testkit::Client other = server.connect("/echo/");
    one.send("1234");
    other.send("12345678");
    EXPECT_EQ(other.recv(), "12345678");
    const std::string text = metrics.text();
    EXPECT_TRUE(has_line(text, "c10k_websockets_open{route=\"/echo/\"} 2"));
    EXPECT_TRUE(has_line(text, "c10k_messages_received_total{route=\"/echo/\"} 2"));
    EXPECT_TRUE(has_line(text, "c10k_received_bytes_total{route=\"/echo/\"} 24"));  // masked headers have 6 bytes
    EXPECT_TRUE(has_line(text, "c10k_messages_sent_total{route=\"/echo/\"} 4"));
    EXPECT_TRUE(has_line(text, "c10k_sent_bytes_total{route=\"/echo/\"} 32"));
    EXPECT_TRUE(has_line(text, "c10k_websockets_open{route=\"/quiet/\\\"ly\\\\/\"} 0"));
    one.close();
    other.close();
    EXPECT_TRUE(has_line(metrics.text(), "c10k_websockets_open{route=\"/echo/\"} 0"));
}

// https://prometheus.io/docs/instrumenting/exposition_formats/: each metric has its HELP, its TYPE and its samples
// together, and the last line ends, too.
TEST(Metrics, AreInTheTextFormatOfPrometheus) {
    Metrics metrics;
    metrics.add(counters_of_a_loop());
    const Response answer = metrics.serve(Request{});
    EXPECT_EQ(answer.headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_TRUE(answer.body.ends_with('\n'));
    std::istringstream lines{answer.body};
    std::string name;
    int metric_lines = 0;
    for (std::string line; std::getline(lines, line); ++metric_lines) {
        std::istringstream words{line};
        std::string first;
        std::string second;
        std::string third;
        words >> first >> second >> third;
        if (first == "#" && second == "HELP") {
            EXPECT_NE(third, name);
            name = third;
        } else if (first == "#") {
            EXPECT_EQ(second + ' ' + third, "TYPE " + name);
        } else {
            EXPECT_EQ(first.substr(0, first.find('{')), name);
            EXPECT_EQ(second.find_first_not_of("0123456789"), std::string::npos);
            EXPECT_EQ(third, "");
        }
    }
    EXPECT_GT(metric_lines, 40);
}

TEST(Metrics, ArePagesOfWhoRoutesThem) {
    testkit::Services services;
    c10k::Services& given = services;
    testkit::Server server{services, Urls{path("metrics", &given.metrics, &Metrics::serve)}};
    const Response answer = server.get("/metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(has_line(answer.body, "c10k_connections_accepted_total 1"));
}

}  // namespace
}  // namespace c10k
