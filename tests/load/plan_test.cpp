// What a plan is made of: when things are due, how large they are, and what must not happen.
#include "load/outcome.hpp"
#include "load/schedule.hpp"
#include "load/sizes.hpp"
#include "load/stamp.hpp"
#include "load/threshold.hpp"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

namespace c10k::load {
namespace {

using namespace std::chrono_literals;

TEST(Schedule, GivesEachEventItsMomentWhateverHappens) {
    const Schedule schedule{200, 0s};
    EXPECT_EQ(schedule.due(0), 0ns);
    EXPECT_EQ(schedule.due(1), 5ms);
    EXPECT_EQ(schedule.due(1'000'000'000), 5'000'000s);
}

TEST(Schedule, RisesEvenlyDuringTheRamp) {
    const Schedule schedule{100, 10s};  // 500 events in the ramp
    EXPECT_EQ(schedule.due(0), 0ns);
    EXPECT_EQ(schedule.due(125), 5s);  // a quarter of them in its first half
    EXPECT_EQ(schedule.due(500), 10s);
    EXPECT_EQ(schedule.due(600), 11s);
}

TEST(Sizes, HaveTheFrequenciesThatTheUserGave) {
    const Sizes sizes = Sizes::parse("10:3, 1000-1009:1");
    std::map<std::size_t, int> counts;
    for (const Message& message : sizes.messages(Message::Kind::kText)) {
        ++counts[message.size()];
    }
    EXPECT_EQ(counts[10], 750);
    EXPECT_EQ(counts.size(), 11U);
    EXPECT_EQ(counts[1000], 25);
    EXPECT_EQ(counts[1009], 25);
    EXPECT_EQ(sizes.min(), 10U);
    EXPECT_EQ(sizes.max(), 1009U);
}

TEST(Sizes, DifferInTheirBytesAndTakeLittleMemory) {
    const auto small = Sizes::parse("16").messages(Message::Kind::kBinary);
    EXPECT_NE(small[0].view(), small[1].view());
    EXPECT_FALSE(small[0].is_text());
    std::size_t bytes = 0;
    for (const Message& message : Sizes::parse("16000000").messages(Message::Kind::kText)) {
        bytes += message.size();
    }
    EXPECT_LE(bytes, 33'554'432U);
}

TEST(Sizes, ThatAreNoneAreRefused) {
    for (const char* text : {"", ",", "x", "-1", "5-", "9-5", "5:0", "5:-1", "16777217", "1e3", "5:2:3"}) {
        EXPECT_THROW((void)Sizes::parse(text), std::invalid_argument) << text;
    }
}

TEST(Stamp, IsFoundInWhatAServerMakesOfAMessage) {
    const Stamp stamp{0xdeadbeef, 1h, 1h + 5ms};
    EXPECT_EQ(stamp.text().size(), Stamp::kBytes);
    const auto found = Stamp::find_in(R"({"from": "ann", "text": ")" + stamp.text() + R"(xx"})");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->run, stamp.run);
    EXPECT_EQ(found->due, stamp.due);
    EXPECT_EQ(found->sent, stamp.sent);
    for (const std::string& text :
         {std::string{}, std::string{"c10k:"}, stamp.text().substr(1), stamp.text().substr(0, Stamp::kBytes - 1),
          std::string{"c10k:deadbeef:00000000000g:000000000000;"}}) {
        EXPECT_FALSE(Stamp::find_in(text)) << text;
    }
}

// 1000 replies of 1 to 1000 ms, corrected, each of which took 1 ms from its sending on.
class Thresholds : public testing::Test {
protected:
    Thresholds() {
        Tally tally;
        tally.due = tally.sent = 2000;
        tally.errors.add("no answer", 2);
        for (int i = 1; i <= 1000; ++i) {
            tally.reply.record(Clock::time_point{}, Clock::time_point{i * 1ms - 1ms}, Clock::time_point{i * 1ms});
        }
        collector_.add(0, tally, {});
    }

    [[nodiscard]] bool fails(const std::string& text) const {
        return Threshold::parse(text).is_failed(Outcome{plan_, collector_, false});
    }

    Plan plan_;
    Collector collector_{plan_};
};

TEST_F(Thresholds, CompareCorrectedTimesUnlessToldOtherwise) {
    EXPECT_TRUE(fails("p99>989ms"));
    EXPECT_FALSE(fails("p99 > 991ms"));
    EXPECT_TRUE(fails("reply.p99.9>=0.998s"));
    EXPECT_TRUE(fails("max>=1000000us"));
    EXPECT_FALSE(fails("raw.max>2ms"));
    EXPECT_TRUE(fails("reply.raw.p50<2ms"));
}

TEST_F(Thresholds, CompareCountsAndShares) {
    EXPECT_TRUE(fails("errors>0"));
    EXPECT_FALSE(fails("errors>2"));
    EXPECT_TRUE(fails("errors<=2"));
    EXPECT_TRUE(fails("error-rate>=0.1%"));
    EXPECT_FALSE(fails("error-rate>0.1"));
    EXPECT_TRUE(fails("rate<1"));
    EXPECT_FALSE(fails("lost>0"));
}

TEST_F(Thresholds, FailIfThereIsNothingToMeasure) {
    EXPECT_TRUE(fails("handshake.p99>1s"));
    EXPECT_TRUE(fails("session.max<1s"));
    EXPECT_TRUE(fails("late>1s"));
    const Outcome outcome{plan_, collector_, false};
    EXPECT_EQ(Threshold::parse("late>1s").explain(outcome), "late>1s: there was nothing to measure");
    EXPECT_EQ(Threshold::parse("errors>0").explain(outcome), "errors>0: it was 2");
}

TEST_F(Thresholds, ThatSayNothingAreRefused) {
    for (const char* text : {"", "p99", ">", "p99>", "p99>20", "p99>20%", "p101>1s", "p>1s", "p99>-1s", "errors>1ms",
                             "errors>x", "raw.errors>1", "reply.late>1s", "nothing>1", "p99=1s", "p99>1s 2s"}) {
        EXPECT_THROW((void)Threshold::parse(text), std::invalid_argument) << text;
    }
}

TEST(Outcome, OfABroadcastCountsDeliveriesThatDidNotComeAndThoseThatCameTwice) {
    Plan plan;
    plan.mode = Mode::kBroadcast;
    for (const auto& [answered, cause] :
         {std::pair{7U, "a delivery that did not come"}, {13U, "a delivery too many"}}) {
        Collector collector{plan};
        Tally tally;
        tally.expected = 10;
        tally.answered = answered;
        collector.add(0, tally, {});
        const Outcome outcome{plan, collector, false};
        ASSERT_EQ(outcome.tally().errors.items().size(), 1U);
        EXPECT_EQ(outcome.tally().errors.items().front().cause, cause);
        EXPECT_EQ(outcome.tally().errors.total(), 3U);
        EXPECT_EQ((Outcome{plan, collector, true}).tally().errors.total(), 0U);  // interrupted: they are under way
    }
}

TEST_F(Thresholds, WarnOfAClientThatIsTooSlowItself) {
    EXPECT_TRUE((Outcome{plan_, collector_, false}).warnings().empty());
    Tally tally;
    for (int i = 0; i < 100; ++i) {
        tally.late.record(500ms);
    }
    Collector::OfLoop busy;
    busy.wall = 10s;
    busy.busy = 9900ms;
    collector_.add(0, tally, busy);
    const auto warnings = Outcome{plan_, collector_, false}.warnings();
    ASSERT_EQ(warnings.size(), 2U);
    EXPECT_NE(warnings[0].find("99 % of a core"), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[1].find("late by 500 ms"), std::string::npos) << warnings[1];
}

}  // namespace
}  // namespace c10k::load
