#include "web/throw_trace.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>

namespace c10k {
namespace {

[[gnu::noinline]] void fail_inside(int number) {
    if (number != 0) {
        throw std::runtime_error("inside");
    }
}

unsigned line_of_call = 0;

[[gnu::noinline]] std::exception_ptr failure() {
    try {
        line_of_call = __LINE__ + 1;
        fail_inside(1);
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

TEST(ThrowTrace, ShowsTheStackOfTheThrowWhenItHasLongBeenCaught) {
    note_throws();
    const std::exception_ptr first = failure();
    const std::exception_ptr second = failure();
    for (const auto& caught : {first, second}) {
        const auto trace = trace_of(caught);
        ASSERT_GE(trace.size(), 3U);
        EXPECT_NE(trace[0].function.find("fail_inside"), std::string::npos) << trace[0].function;
        EXPECT_NE(trace[1].function.find("failure"), std::string::npos) << trace[1].function;
        EXPECT_TRUE(trace[1].file.ends_with("throw_trace_test.cpp")) << trace[1].file;
        EXPECT_EQ(trace[1].line, line_of_call);
    }
}

TEST(ThrowTrace, IsForgottenWhenManyWereThrownSince) {
    note_throws();
    const std::exception_ptr first = failure();
    for (int i = 0; i < 100; ++i) {
        (void)failure();
    }
    EXPECT_TRUE(trace_of(first).empty());
    EXPECT_TRUE(trace_of(nullptr).empty());
}

}  // namespace
}  // namespace c10k
