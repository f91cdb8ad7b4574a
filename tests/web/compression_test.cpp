#include "c10k/compression.hpp"

#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"

#include <cstddef>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <utility>

namespace c10k {
namespace {

constexpr Compression kAnything{.from_bytes = 0, .context_takeover = ContextTakeover::kYes, .window_bits = 15};

Task<> echo(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

Urls urls() {
    return {
        path("silent/", echo),
        path("off/", echo).compression(Compression::kOff),
        path("on/", echo).compression(Compression::kOn),
        path("from_1000/", echo).compression({.from_bytes = 1000}),
        path("keeps/", echo).compression({.context_takeover = ContextTakeover::kYes, .window_bits = 15}),
    };
}

Settings with_compression() {
    Settings settings = testkit::quiet_settings();
    settings.compression = true;
    return settings;
}

bool agrees(testkit::Server& server, std::string_view target) {
    return server.connect(target, {.compression = kAnything}).is_compressed();
}

// The number of bytes of an echo.
std::size_t echoed_bytes(testkit::Client& client, const std::string& text) {
    const std::size_t before = client.bytes_received();
    client.send(text);
    EXPECT_EQ(client.recv(), text);
    return client.bytes_received() - before;
}

// Bytes that are alike only at that distance.
std::string alike_at(std::size_t distance) {
    std::string part;
    for (std::uint32_t seed = 1; part.size() < distance; seed = seed * 1664525 + 1013904223) {
        part += static_cast<char>(' ' + (seed >> 24) % 95);
    }
    return part + part;
}

TEST(RouteCompression, IsOffUnlessTheRouteOrTheSettingsWantIt) {
    testkit::Server server{urls()};
    EXPECT_FALSE(agrees(server, "/silent/"));
    EXPECT_FALSE(agrees(server, "/off/"));
    EXPECT_TRUE(agrees(server, "/on/"));
    EXPECT_FALSE(server.connect("/on/").is_compressed());  // by a client that does not offer it
}

TEST(RouteCompression, OfARouteGoesBeforeThatOfTheSettings) {
    testkit::Server server{urls(), with_compression()};
    EXPECT_TRUE(agrees(server, "/silent/"));
    EXPECT_FALSE(agrees(server, "/off/"));
    EXPECT_TRUE(agrees(server, "/on/"));
}

TEST(RouteCompression, StartsAtItsSize) {
    testkit::Server server{urls()};
    auto client = server.connect("/from_1000/", {.compression = kAnything});
    EXPECT_EQ(echoed_bytes(client, std::string(999, 'a')), 999U + 4);
    EXPECT_LT(echoed_bytes(client, std::string(1000, 'a')), 100U);
}

TEST(RouteCompression, KeepsTheContextOnlyIfItIsToldTo) {
    testkit::Server server{urls()};
    const std::string text = alike_at(1000).substr(0, 1000);
    auto forgetting = server.connect("/on/", {.compression = kAnything});
    EXPECT_EQ(echoed_bytes(forgetting, text), echoed_bytes(forgetting, text));
    auto keeping = server.connect("/keeps/", {.compression = kAnything});
    const std::size_t first = echoed_bytes(keeping, text);
    EXPECT_LT(echoed_bytes(keeping, text), first / 10);
}

TEST(RouteCompression, TakesAllItsValuesFromTheSettings) {
    Settings settings = with_compression();
    settings.compression_from_bytes = 5000;
    settings.compression_context_takeover = true;
    settings.compression_window_bits = 9;
    testkit::Server narrow{urls(), settings};
    settings.compression_window_bits = 12;
    testkit::Server wide{urls(), settings};
    auto in_narrow = narrow.connect("/silent/", {.compression = kAnything});
    auto in_wide = wide.connect("/silent/", {.compression = kAnything});
    EXPECT_EQ(echoed_bytes(in_wide, std::string(4999, 'a')), 4999U + 4);
    const std::string text = alike_at(3000);
    const std::size_t first = echoed_bytes(in_wide, text);
    EXPECT_LT(first, echoed_bytes(in_narrow, text) * 3 / 4);
    EXPECT_LT(echoed_bytes(in_wide, text), first / 10);  // it refers to the last one
}

TEST(RouteCompression, CannotBeMisused) {
    EXPECT_THROW(path("", [](Request&) { return Response::text(""); }).compression(Compression::kOn), std::logic_error);
    for (const int bits : {1, 7, 16}) {  // CVE-2026-2229
        EXPECT_THROW(path("", echo).compression({.window_bits = static_cast<std::uint8_t>(bits)}), std::logic_error);
    }
}

}  // namespace
}  // namespace c10k
