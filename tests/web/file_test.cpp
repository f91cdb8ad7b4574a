#include "c10k/http.hpp"
#include "c10k/middleware.hpp"
#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"
#include "c10k/web.hpp"
#include "loop/loop.hpp"
#include "testkit/harness.hpp"
#include "testkit/memory_backend.hpp"
#include "web/folder.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace c10k {
namespace {

// static_files_test.cpp has the behaviour that files share with static files.
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

// ---- Larger ones, which are sent in pieces

const std::string kLarge = [] {
    std::string text;
    while (text.size() < 300'000) {
        text += std::to_string(text.size()) + '\n';
    }
    return text;
}();

class LargeFile : public testing::Test {
protected:
    Response get(std::string_view method = "GET", const Headers& headers = {}) {
        const auto view = [path = path_](Request& request) { return Response::file(request, path); };
        testkit::Server server{Urls{middleware(gzip()), c10k::path("", view)}};
        return server.request(method, "/", headers);
    }
    static std::size_t descriptors() {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {}));
    }

    Folder folder_;
    std::filesystem::path path_ = folder_.write("large.txt", kLarge);
};

TEST_F(LargeFile, IsNotHeldInMemory) {
    const Response response = Response::file(Request{}, path_);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.stream_bytes, kLarge.size());
}

TEST_F(LargeFile, IsSentWithItsLength) {
    const Response response = get();
    EXPECT_EQ(response.headers.get("Content-Length"), std::to_string(kLarge.size()));
    EXPECT_EQ(response.headers.count("Transfer-Encoding"), 0U);
    EXPECT_EQ(response.body, kLarge);
    EXPECT_EQ(get("HEAD").headers.get("Content-Length"), std::to_string(kLarge.size()));
}

TEST_F(LargeFile, IsCompressedAsASmallOneIs) {
    const Response response = get("GET", {{"Accept-Encoding", "gzip"}});
    EXPECT_EQ(response.headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(response.headers.get("Content-Length"), std::to_string(response.body.size()));
    EXPECT_LT(response.body.size(), kLarge.size());
}

TEST_F(LargeFile, IsSentInPart) {
    const Response response = get("GET", {{"Range", "bytes=1000-200999"}, {"Accept-Encoding", "gzip"}});
    EXPECT_EQ(response.status, 206);
    EXPECT_EQ(response.headers.get("Content-Length"), "200000");
    EXPECT_EQ(response.headers.get("Content-Range"), "bytes 1000-200999/" + std::to_string(kLarge.size()));
    EXPECT_EQ(response.headers.count("Content-Encoding"), 0U);
    EXPECT_TRUE(response.body == kLarge.substr(1000, 200'000));
}

TEST_F(LargeFile, OffersNoPartsOfItsCompressedForm) {
    EXPECT_EQ(get().headers.get("Accept-Ranges"), "bytes");
    EXPECT_EQ(get("GET", {{"Accept-Encoding", "gzip"}}).headers.count("Accept-Ranges"), 0U);
}

TEST_F(LargeFile, IsOpenOnceForAllWhoSendIt) {
    const std::size_t before = descriptors();
    {
        const Response first = Response::file(Request{}, path_);
        EXPECT_EQ(descriptors(), before + 1);
        const Response second = Response::file(Request{}, path_);
        EXPECT_EQ(descriptors(), before + 1);
        folder_.write("other.txt", std::string(100'000, 'x'));
        std::filesystem::rename(folder_.path() / "other.txt", path_);
        const Response third = Response::file(Request{}, path_);
        EXPECT_EQ(descriptors(), before + 2);
        EXPECT_EQ(third.stream_bytes, 100'000U);
    }
    EXPECT_EQ(descriptors(), before);
}

// Takes a body in.
class Collector final : public BodyWriter {
public:
    Task<void> write(std::string_view piece) override {
        text += piece;
        co_return;
    }
    std::string text;
};

TEST_F(LargeFile, StaysTheSameWhenAnotherTakesItsName) {
    const Response response = Response::file(Request{}, path_);
    folder_.write("other.txt", std::string(100'000, 'x'));
    std::filesystem::rename(folder_.path() / "other.txt", path_);
    Collector collector;
    Loop loop{std::make_unique<MemoryBackend>()};
    testkit::run_to_end(loop, response.body_stream(collector));
    EXPECT_EQ(collector.text, kLarge);
}

TEST_F(LargeFile, FailsWhenItGetsShorter) {
    const Response response = Response::file(Request{}, path_);
    std::filesystem::resize_file(path_, kLarge.size() - 1);
    Collector collector;
    Loop loop{std::make_unique<MemoryBackend>()};
    EXPECT_THROW(testkit::run_to_end(loop, response.body_stream(collector)), std::runtime_error);
}

}  // namespace
}  // namespace c10k
