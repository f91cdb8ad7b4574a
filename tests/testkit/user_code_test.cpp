#include "c10k/client.hpp"
#include "c10k/simulation.hpp"
#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

// Row 76, the site's part: views that return nothing, or are no coroutines.
namespace c10k {
namespace {

// Its converter throws, or does not parse the same text twice.
struct Fickle {
    static inline int times = 0;
};

}  // namespace

template <>
struct Converter<Fickle> {
    static constexpr std::string_view kName = "fickle";
    static std::optional<Fickle> parse(std::string_view text) {
        if (text == "throws") {
            throw std::runtime_error("the converter is broken");
        }
        return text != "once" || Fickle::times++ == 0 ? std::optional{Fickle{}} : std::nullopt;
    }
    static std::string format(const Fickle&) { return "fickle"; }
};

namespace {

using namespace std::chrono_literals;
using testkit::simulate;
using testkit::Simulation;

TEST(Row76, AViewThatRefusesAndReturnsNothingRefuses) {
    const auto refuse = [](WebSocket& socket) -> Task<> {
        socket.refuse(403, "no");
        return {};
    };
    testkit::Server server{
        {path("", refuse),
         path("inside/", refuse).middleware([](WebSocket& socket, Next<WebSocket> next) { return next(socket); })}};
    for (const char* target : {"/", "/inside/"}) {
        try {
            (void)server.connect(target);
            ADD_FAILURE();
        } catch (const testkit::Refused& refused) {
            EXPECT_EQ(refused.response().status, 403);
            EXPECT_EQ(refused.response().body, "no");
        }
    }
}

TEST(Row76, AViewThatReturnsNothingHasEnded) {
    testkit::Server server{{
        path("silent/", [](WebSocket&) { return Task<>{}; }),
        path("closes/",
             [](WebSocket& socket) -> Task<> {
                 socket.close(4000, "bye");
                 return {};
             }),
        path("accepts/",
             [](WebSocket& socket) -> Task<> {
                 socket.accept();
                 return {};
             }),
        path("waits/", [](WebSocket& socket) { return while_open(socket, {}); }),
    }};
    EXPECT_EQ(server.connect("/silent/").close_info().code, 1000);
    EXPECT_EQ(server.connect("/closes/").close_info().code, 4000);
    EXPECT_EQ(server.connect("/accepts/").close_info().code, 1000);
    EXPECT_EQ(server.connect("/waits/").close_info().code, 1000);
}

TEST(Row76, APageViewThatReturnsAnEmptyTaskGetsThePageOf500AndALine) {
    Settings settings = testkit::quiet_settings();
    settings.debug = true;
    testkit::Server server{{
                               path("", [](Request&) { return Task<Response>{}; }),
                               path("inside/", [](Request&) { return Task<Response>{}; })
                                   .middleware([](Request& request, Next<Request> next) { return next(request); }),
                               path("empty-around/", [](Request&) { return Response::text("page"); })
                                   .middleware([](Request&, Next<Request>) { return Task<Response>{}; }),
                               path("good/", [](Request&) { return Response::text("good"); }),
                           },
                           settings};
    for (const char* target : {"/", "/inside/", "/empty-around/"}) {
        testing::internal::CaptureStderr();
        const Response response = server.get(target);
        const std::string log = testing::internal::GetCapturedStderr();
        EXPECT_EQ(response.status, 500) << target;
        EXPECT_NE(response.body.find("this Task is empty"), std::string::npos) << response.body;
        EXPECT_NE(log.find("this Task is empty"), std::string::npos) << log;
    }
    EXPECT_EQ(server.get("/good/").body, "good");
}

TEST(Row76, AConverterThatThrowsGetsThePageOf500AndTheServerLives) {
    testkit::Server server{
        {path("page/<fickle:it>/", [](Request&, Fickle) { return Response::text("page"); }),
         path("ws/<fickle:it>/", [](WebSocket& socket, Fickle) -> Task<> { co_await socket.send("hello"); })}};
    EXPECT_EQ(server.get("/page/throws/").status, 500);
    EXPECT_THROW((void)server.connect("/ws/throws/"), testkit::Refused);
    Fickle::times = 0;
    EXPECT_EQ(server.get("/page/once/").status, 500);
    Fickle::times = 0;
    try {
        (void)server.connect("/ws/once/");
        ADD_FAILURE();
    } catch (const testkit::Refused& refused) {
        EXPECT_EQ(refused.response().status, 500);
    }
    EXPECT_EQ(server.get("/page/good/").body, "page");
    EXPECT_EQ(server.connect("/ws/good/").recv(), "hello");
}

struct Site {
    Response page(Request&) const { return Response::text("page"); }
};

TEST(Row76, ARouteToAMemberOfNoObjectIsAMistake) {
    const Site* none = nullptr;
    EXPECT_THROW((void)path("", none, &Site::page), std::logic_error);
}

TEST(Row76, AStreamThatReturnsNothingIsAnEmptyPage) {
    testkit::Server server{
        {path("", [](Request&) { return Response::stream("text/plain", [](BodyWriter&) { return Task<>{}; }); })}};
    const Response response = server.get("/");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "");
}

TEST(Row76, AClientsViewThatReturnsNothingClosesWith1000) {
    simulate({.seeds = 20}, [](Simulation& simulation) {
        std::uint16_t code = 0;
        simulation.serve({path("", [&code](WebSocket& socket) -> Task<> {
            while (co_await socket.recv()) {
            }
            code = socket.close_info().code;
        })});
        simulation.client("/", [](WebSocket&) { return Task<>{}; });
        simulation.spawn({});
        simulation.run();
        EXPECT_EQ(code, 1000);
    });
}

TEST(Row76, ASimulationThatServesNothingSaysSo) {
    const auto mistake_of = [](auto part) {
        std::string mistake;
        simulate({.seeds = 1}, [&](Simulation& simulation) {
            try {
                part(simulation);
            } catch (const std::logic_error& error) {
                mistake = error.what();
            }
            if (mistake != "serve(): a simulation has one server") {
                simulation.serve({});  // now it is served, and goes on as any other
            }
            simulation.run();
        });
        return mistake;
    };
    EXPECT_EQ(mistake_of([](Simulation& simulation) {
                  simulation.spawn([]() -> Task<> { co_await sleep_for(1h); }());
                  simulation.run();
              }),
              "run(): nothing is served");
    EXPECT_EQ(mistake_of([](Simulation& simulation) { (void)simulation.get("/"); }), "get(): nothing is served");
    EXPECT_EQ(mistake_of([](Simulation& simulation) { (void)simulation.request("POST", "/"); }),
              "request(): nothing is served");
    EXPECT_EQ(mistake_of([](Simulation& simulation) { (void)simulation.close_server(); }),
              "close_server(): nothing is served");
    EXPECT_EQ(mistake_of([](Simulation& simulation) {
                  simulation.serve({});
                  simulation.serve({});
              }),
              "serve(): a simulation has one server");
    EXPECT_EQ(mistake_of([](Simulation& simulation) { (void)simulation.random(0); }), "random(): its end is 1 to 2^32");
}

}  // namespace
}  // namespace c10k
