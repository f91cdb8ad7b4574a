#include "c10k/http.hpp"
#include "c10k/web.hpp"
#include "web/folder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace c10k {
namespace {

// What is the same for static files is tested with them.
TEST(File, IsAResponseWithItsTypeAndItsTime) {
    const Folder folder;
    const auto path = folder.write(".report.csv.txt", "a,b\n");
    Request request;
    const Response response = Response::file(request, path);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "a,b\n");
    EXPECT_EQ(response.headers.get("Content-Type"), "text/plain; charset=utf-8");
    request.headers.add("If-Modified-Since", *response.headers.get("Last-Modified"));
    EXPECT_EQ(Response::file(request, path).status, 304);
}

TEST(File, ThatIsNoneIsNotFound) {
    const Folder folder;
    const Request request;
    EXPECT_THROW(static_cast<void>(Response::file(request, folder.path())), NotFound);
    EXPECT_THROW(static_cast<void>(Response::file(request, folder.path() / "no.txt")), NotFound);
}

}  // namespace
}  // namespace c10k
