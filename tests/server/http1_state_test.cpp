#include "server/http1_state.hpp"

#include <gtest/gtest.h>
#include <set>
#include <utility>

namespace c10k {
namespace {

TEST(Http1Transitions, HaveOneRowForAStateAndAnEvent) {
    std::set<std::pair<Http1State, Http1Event>> seen;
    for (const Http1Transition& transition : kHttp1Transitions) {
        EXPECT_TRUE(seen.emplace(transition.from, transition.event).second)
            << static_cast<int>(transition.from) << ", " << static_cast<int>(transition.event);
    }
}

TEST(Http1Transitions, LeadBackOnlyForTheNextRequest) {
    for (const Http1Transition& transition : kHttp1Transitions) {
        EXPECT_TRUE(transition.to >= transition.from || transition.event == Http1Event::kAnswered);
    }
}

TEST(Http1Transitions, SkipABodyOnlyBehindItsAnswer) {
    for (const Http1Transition& transition : kHttp1Transitions) {
        EXPECT_EQ(transition.to == Http1State::kSkipping, transition.event == Http1Event::kAnsweredEarly);
    }
}

TEST(Http1Transitions, EndEveryStateButTheLastOneByAnAbort) {
    for (const Http1State state : {Http1State::kReading, Http1State::kServing, Http1State::kSkipping,
                                   Http1State::kDraining, Http1State::kClosed}) {
        EXPECT_EQ(find_transition(state, Http1Event::kAbort) != nullptr, state != Http1State::kClosed);
    }
}

}  // namespace
}  // namespace c10k
