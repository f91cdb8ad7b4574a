#include "allocation/failing.hpp"
#include "c10k/middleware.hpp"
#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <string>

// Row 61: a page that gzip() gets no memory to compress.
namespace c10k {
namespace {

constexpr std::size_t kPageBytes = 500'000;

// The bytes that the client gets if `lose_memory` is called when the page is ready, and gzip() has its turn.
Response get_page(const std::function<void()>& lose_memory) {
    const auto page = [lose_memory](Request& /*request*/) {
        Response response = Response::text(std::string(kPageBytes, 'x'));
        lose_memory();
        return response;
    };
    const auto find_memory = [](Request& request, Next<Request> next) -> Task<Response> {
        Response response = co_await next(request);
        EXPECT_TRUE(allocation::stop_failing());
        co_return response;
    };
    testkit::Server server{Urls{middleware(find_memory, gzip()), path("", page)}};
    return server.get("/", {{"Accept-Encoding", "gzip"}});
}

void expect_whole(const Response& response) {
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body.size(), kPageBytes);
    EXPECT_EQ(response.headers.count("Content-Encoding"), 0U);
    EXPECT_EQ(response.headers.get("Vary"), "Accept-Encoding");
}

TEST(Row61, APageThatZlibHasNoMemoryForGoesOutAsItIs) {
    expect_whole(get_page([] { allocation::fail_deflate(); }));
}

TEST(Row61, APageThatCannotBeCompressedForLackOfRoomGoesOutAsItIs) {
    expect_whole(get_page([] { allocation::fail_from_bytes(kPageBytes / 2); }));
}

}  // namespace
}  // namespace c10k
