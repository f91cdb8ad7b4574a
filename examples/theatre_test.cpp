// A theatre that sells a seat twice when two customers come at a bad moment, and a test that makes them come then.
#include <c10k/simulation.hpp>
#include <c10k/task.hpp>
#include <c10k/urls.hpp>
#include <c10k/websocket.hpp>

#include <chrono>
#include <gtest/gtest.h>
#include <set>
#include <stdexcept>

using namespace c10k;
using namespace std::chrono_literals;

namespace {

// [careless]
class CarelessTheatre {
public:
    Urls urls() { return {path("seats/<int:seat>/", this, &CarelessTheatre::sell)}; }
    int times_sold(int seat) const { return static_cast<int>(sold_.count(seat)); }

private:
    Task<> sell(WebSocket& socket, int seat) {
        co_await socket.recv();  // the customer has made up her mind
        if (sold_.contains(seat)) {
            co_await socket.send("sold out");
            co_return;
        }
        co_await sleep_for(1ms);  // the bank takes its time
        sold_.insert(seat);
        co_await socket.send("yours");
    }

    std::multiset<int> sold_;
};
// [/careless]

class Theatre {
public:
    Urls urls() { return {path("seats/<int:seat>/", this, &Theatre::sell)}; }
    int times_sold(int seat) const { return static_cast<int>(sold_.count(seat)); }

private:
    // [mended]
    Task<> sell(WebSocket& socket, int seat) {
        co_await socket.recv();
        if (sold_.contains(seat)) {
            co_await socket.send("sold out");
            co_return;
        }
        sold_.insert(seat);  // before anybody else's turn can come
        co_await sleep_for(1ms);
        co_await socket.send("yours");
    }
    // [/mended]

    std::multiset<int> sold_;
};

// [customer]
Task<> buy(WebSocket& socket) {
    co_await socket.send("this one, please");
    co_await socket.recv();
}
// [/customer]

// [test]
TEST(Theatre, SellsEachSeatOnce) {
    testkit::simulate({.seeds = 300}, [](testkit::Simulation& simulation) {
        Theatre theatre;
        simulation.serve(theatre.urls());
        for (int i = 0; i < 3; ++i) {
            simulation.client("/seats/7/", buy);
        }
        simulation.run();
        EXPECT_EQ(theatre.times_sold(7), 1);
    });
}
// [/test]

// [harsh]
TEST(Theatre, SellsNoSeatTwiceToCustomersWhoVanish) {
    testkit::simulate({.seeds = 300, .faults = testkit::Faults::harsh()}, [](testkit::Simulation& simulation) {
        Theatre theatre;
        simulation.serve(theatre.urls());
        for (int i = 0; i < 3; ++i) {
            simulation.client("/seats/7/", buy);
        }
        simulation.run();
        EXPECT_LE(theatre.times_sold(7), 1);
    });
}
// [/harsh]

TEST(CarelessTheatre, IsFoundOut) {
    const auto play = [](testkit::Simulation& simulation) {
        CarelessTheatre theatre;
        simulation.serve(theatre.urls());
        for (int i = 0; i < 3; ++i) {
            simulation.client("/seats/7/", buy);
        }
        simulation.run();
        if (theatre.times_sold(7) != 1) {
            throw std::runtime_error("sold twice");
        }
    };
    EXPECT_THROW(testkit::simulate({.seeds = 300}, play), testkit::SimulationFailed);
}

}  // namespace
