#include "allocation/failing.hpp"
#include "connection/outbox.hpp"
#include "server/admission.hpp"
#include "task/run.hpp"
#include "testkit/memory_backend.hpp"
#include "wire/utf8.hpp"

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <new>
#include <string>
#include <vector>

// Row 61: what cannot fail takes no memory, and what fails for lack of it leaves all as it was.
namespace c10k {
namespace {

using namespace std::chrono_literals;

// Whether `call` allocates.
template <typename Call>
bool allocates(Call call) {
    allocation::fail(0);
    call();
    return allocation::stop_failing();
}

TEST(Row61, WakingAndStoppingTasksTakesNoMemory) {
    Loop loop{std::make_unique<MemoryBackend>()};
    int stopped = 0;
    run(loop, [](int& count) -> Task<> {
        TaskGroup group;
        const auto wait = [](int& ended) -> Task<> {
            try {
                co_await with_timeout(1h, until_stopped());
            } catch (const Stopped&) {
                ++ended;
            }
        };
        for (int i = 0; i < 1000; ++i) {
            group.spawn(wait(count));
            co_await yield();  // one after the other: so many have never been ready at once
        }
        EXPECT_FALSE(allocates([&] { group.stop(); }));
        co_await group.join();
    }(stopped));
    EXPECT_EQ(stopped, 1000);
}

TEST(Row61, StoppingAnotherLoopTakesNoMemory) {
    StopScope scope;
    Loop loop{make_backend(BackendChoice::kEpoll)};
    int parts = 0;
    EXPECT_THROW(run(loop,
                     on_loops(3,
                              [&](std::size_t number) -> Task<> {
                                  if (number == 0) {
                                      ++parts;
                                      co_await yield();
                                      EXPECT_FALSE(allocates([&] { scope.request_stop(); }));
                                  }
                                  co_await until_stopped();
                              }),
                     scope),
                 Stopped);
    EXPECT_EQ(parts, 1);
}

TEST(Row61, AnAdmissionThatGetsNoMemoryCountsOn) {
    const auto name = [](std::size_t number) {
        return "an address that is no short string, " + std::to_string(number);
    };
    std::size_t failures = 0;
    for (std::size_t n = 0; n < 200; ++n) {
        Admission admission;
        std::vector<Admission::AddressSlot> places;
        places.reserve(40);
        allocation::fail(n);
        for (std::size_t i = 0; i < 40; ++i) {
            const auto enter = [&]() -> std::optional<Admission::AddressSlot> {
                try {
                    return admission.enter(name(i), 1);
                } catch (const std::bad_alloc&) {
                    ++failures;
                    return std::nullopt;
                }
            };
            std::optional<Admission::AddressSlot> place = enter();
            place = place ? place : enter();
            if (!place) {
                ADD_FAILURE() << "nobody is counted at " << i << " after allocation " << n;
                break;
            }
            places.push_back(*place);
        }
        allocation::stop_failing();
        EXPECT_FALSE(admission.enter(name(0), 1).has_value());
        EXPECT_FALSE(allocates([&] {
            for (const Admission::AddressSlot place : places) {
                admission.leave(place);
            }
        }));
        EXPECT_TRUE(admission.enter(name(0), 1).has_value());
    }
    EXPECT_GT(failures, 50U);
}

TEST(Row61, CheckingATextTakesNoMemory) {
    EXPECT_FALSE(allocates([] { EXPECT_TRUE(wire::is_utf8("the first text that this program checks")); }));
}

TEST(Row61, AnOutboxWithoutMemoryForAnOwnerIsEmptyAllTheSame) {
    Outbox outbox;
    outbox.append("some bytes");
    EXPECT_TRUE(allocates([&] { EXPECT_EQ(outbox.release(), nullptr); }));
    EXPECT_TRUE(outbox.empty());
    outbox.append("more");
    EXPECT_EQ(outbox.bytes(), 4U);
    EXPECT_NE(outbox.release(), nullptr);
}

}  // namespace
}  // namespace c10k
