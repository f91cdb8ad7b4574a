#include "web/refusals.hpp"

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace c10k {
namespace {

class RefusalsTest : public testing::Test {
protected:
    static Request from(std::string origin, std::string host = "example.com") {
        Request request;
        request.headers = {{"Host", std::move(host)}, {"Origin", std::move(origin)}};
        return request;
    }

    std::vector<std::string> lines_;
    std::chrono::steady_clock::time_point now_;
    Refusals refusals_{[this](std::string_view line) { lines_.emplace_back(line); }, [this] { return now_; }};
};

TEST_F(RefusalsTest, NamesTheOriginAndTheSettingThatWouldAllowIt) {
    refusals_.origin_refused(from("HTTPS://App.Example.org:443"));
    EXPECT_EQ(lines_,
              std::vector<std::string>{"Refused a WebSocket to a page of the origin 'HTTPS://App.Example.org:443': if "
                                       "the page is yours, add https://app.example.org to the setting "
                                       "allowed_origins; if it is this site's own, a proxy has changed the Host, "
                                       "which is 'example.com'"});
}

TEST_F(RefusalsTest, NamesTheHostAndTheSettingThatWouldAllowIt) {
    refusals_.host_refused(from("", "Chat.Example.com:8000"));
    EXPECT_EQ(lines_, std::vector<std::string>{"Refused the host 'Chat.Example.com:8000': if it is this site's, add "
                                               "chat.example.com to the setting allowed_hosts"});
}

TEST_F(RefusalsTest, AdvisesNothingThatCannotHelp) {
    Request twice = from("https://a.example");
    twice.headers.add("Origin", "https://b.example");
    Request unnamed = from("");
    unnamed.headers.remove("Host");
    Request by_http = from("http://example.com");
    by_http.is_secure = true;
    refusals_.origin_refused(from("null"));
    refusals_.origin_refused(from("file://"));
    refusals_.origin_refused(twice);
    refusals_.origin_refused(by_http);
    refusals_.host_refused(from("", "a host"));
    refusals_.host_refused(unnamed);
    EXPECT_EQ(lines_.size(), 6U);
    for (const std::string& line : lines_) {
        EXPECT_EQ(line.find("add "), std::string::npos) << line;
    }
}

TEST_F(RefusalsTest, WritesALineOnceAMinute) {
    refusals_.origin_refused(from("https://a.example"));
    now_ += std::chrono::seconds{59};
    refusals_.origin_refused(from("https://a.example"));
    EXPECT_EQ(lines_.size(), 1U);
    refusals_.origin_refused(from("https://b.example"));
    EXPECT_EQ(lines_.size(), 2U);
    now_ += std::chrono::seconds{1};
    refusals_.origin_refused(from("https://a.example"));
    refusals_.origin_refused(from("https://b.example"));
    EXPECT_EQ(lines_.size(), 3U);
}

TEST_F(RefusalsTest, WritesNoMoreThanAHundredNewLinesAMinute) {
    const auto refuse_many = [this] {
        for (int i = 0; i < 1000; ++i) {
            refusals_.host_refused(from("", std::to_string(i) + ".example"));
        }
    };
    refuse_many();
    ASSERT_EQ(lines_.size(), Refusals::kMost + 1);
    EXPECT_EQ(lines_.back(), "More hosts and origins are refused than the log names in a minute");
    now_ += Refusals::kPause;
    refuse_many();
    EXPECT_EQ(lines_.size(), 2 * (Refusals::kMost + 1));
}

TEST_F(RefusalsTest, CutsANameThatIsLongerThanAny) {
    refusals_.host_refused(from("", std::string(10'000, 'a')));
    ASSERT_EQ(lines_.size(), 1U);
    EXPECT_LT(lines_[0].size(), 1000U);
}

}  // namespace
}  // namespace c10k
