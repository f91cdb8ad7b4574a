#include "c10k/middleware.hpp"
#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"
#include "c10k/web.hpp"
#include "web/folder.hpp"

#include <gtest/gtest.h>
#include <string>
#include <zlib.h>

namespace c10k {
namespace {

const std::string kText(4000, 'a');

// Of RFC 1952.
std::string decompress(std::string_view bytes) {
    std::string text(1024 * 1024, '\0');
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    text.resize(stream.total_out);
    inflateEnd(&stream);
    return text;
}

class GzipTest : public testing::Test {
protected:
    // The response as the client gets it.
    Response get(const Response& response) { return get(response, {{"Accept-Encoding", "gzip"}}); }
    Response get(const Response& response, const Headers& headers, std::string_view method = "GET") {
        const auto view = [response](Request& /*request*/) { return response; };
        testkit::Server server{Urls{middleware(gzip()), path("", view)}};
        return server.request(method, "/", headers);
    }
    bool is_compressed(const Response& response) { return get(response).headers.count("Content-Encoding") > 0; }
    bool takes(const std::string& accept_encoding) {
        return get(Response::text(kText), {{"Accept-Encoding", accept_encoding}}).headers.count("Content-Encoding") > 0;
    }
};

TEST_F(GzipTest, CompressesAPageForAClientThatTakesIt) {
    Response page = Response::html(kText + "<b>\xc3\xa9</b>");
    page.headers.add("Vary", "Cookie");
    const Response response = get(page);
    EXPECT_EQ(response.headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(response.headers.get("Content-Type"), "text/html; charset=utf-8");
    EXPECT_TRUE(response.headers.has_token("Vary", "Accept-Encoding"));
    EXPECT_TRUE(response.headers.has_token("Vary", "Cookie"));
    EXPECT_LT(response.body.size(), kText.size() / 10);
    EXPECT_EQ(decompress(response.body), page.body);
}

// RFC 9110, 12.5.3 and 12.4.2
TEST_F(GzipTest, HeedsWhatTheClientTakes) {
    for (const std::string taken :
         {"gzip", "GZIP", "x-gzip", "br, gzip", "gzip;q=0.001", "gzip ; q=1.000", "*", "br;q=1.0, *;q=0.5",
          "identity;q=0.5, gzip;q=0.8", "identity;q=0, gzip", "gzip;level=1;q=0.5", "gzip;Q=0.5"}) {
        EXPECT_TRUE(takes(taken)) << taken;
    }
    for (const std::string not_taken :
         {"", "br", "identity", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "identity;q=1, gzip;q=0.5",
          "gzip;q=", "gzip;q=x", "gzip;q=-1", "gzip;q=2", "gzip;q=0.0001", "gzipped"}) {
        EXPECT_FALSE(takes(not_taken)) << not_taken;
    }
    EXPECT_EQ(get(Response::text(kText), {}).body, kText);
    EXPECT_EQ(get(Response::text(kText), {{"Accept-Encoding", "br"}, {"Accept-Encoding", "gzip"}})
                  .headers.get("Content-Encoding"),
              "gzip");
}

TEST_F(GzipTest, TellsCachesThatThePageVariesAlsoWhenItIsNotCompressed) {  // RFC 9110, 12.5.5
    EXPECT_EQ(get(Response::text(kText), {}).headers.get("Vary"), "Accept-Encoding");
    EXPECT_EQ(get(Response::text("short")).headers.count("Vary"), 0U);
}

TEST_F(GzipTest, LeavesAloneWhatGainsNothing) {
    EXPECT_FALSE(is_compressed(Response::text(std::string(1023, 'a'))));
    EXPECT_TRUE(is_compressed(Response::text(std::string(1024, 'a'))));
    EXPECT_FALSE(is_compressed(Response::text(std::string(1024 * 1024 + 1, 'a'))));
    std::string noise;  // of the bytes that gzip makes, which cannot be made smaller
    const Response compressed = get(Response::text([] {
        std::string text;
        for (unsigned i = 0, state = 1; i < 6000; ++i) {
            text += static_cast<char>('0' + ((state = state * 1664525 + 1013904223) >> 28));
        }
        return text;
    }()));
    noise = compressed.body;
    ASSERT_GT(noise.size(), 1024U);
    const Response again = get({200, {{"Content-Type", "text/plain"}}, noise});
    EXPECT_EQ(again.headers.count("Content-Encoding"), 0U);
    EXPECT_EQ(again.body, noise);
}

TEST_F(GzipTest, CompressesOnlyText) {
    for (const std::string_view type :
         {"text/css", "TEXT/HTML;charset=utf-8", "application/json", "application/javascript", "image/svg+xml",
          "application/ld+json", "application/atom+xml", "application/xml ; x=y"}) {
        EXPECT_TRUE(is_compressed({200, {{"Content-Type", std::string{type}}}, kText})) << type;
    }
    for (const std::string_view type : {"image/png", "application/octet-stream", "font/woff2", "video/mp4", ""}) {
        EXPECT_FALSE(is_compressed({200, {{"Content-Type", std::string{type}}}, kText})) << type;
    }
    EXPECT_FALSE(is_compressed({200, {}, kText}));
}

TEST_F(GzipTest, LeavesAloneWhatIsEncodedOrMustStayAsItIs) {
    Response encoded = Response::text(kText);
    encoded.headers.add("Content-Encoding", "br");
    EXPECT_EQ(get(encoded).headers.get("Content-Encoding"), "br");
    EXPECT_EQ(get(encoded).body, kText);
    Response kept = Response::text(kText);
    kept.headers.add("Cache-Control", "private, no-transform");
    EXPECT_FALSE(is_compressed(kept));
    EXPECT_FALSE(is_compressed(Response::text(kText, 206)));
    EXPECT_TRUE(is_compressed(Response::text(kText, 404)));
}

// RFC 9110, 8.6 and 9.3.2
TEST_F(GzipTest, AnswersHeadWithTheFieldsThatGetWouldHave) {
    Response page = Response::text(kText);
    page.headers.set("ETag", "\"a\"");
    for (const Headers& headers : {Headers{{"Accept-Encoding", "gzip"}}, Headers{}}) {
        const Response head = get(page, headers, "HEAD");
        const Response whole = get(page, headers);
        EXPECT_EQ(head.body, "");
        for (const std::string_view name : {"Content-Length", "Content-Encoding", "Vary", "ETag", "Content-Type"}) {
            EXPECT_EQ(head.headers.get(name), whole.headers.get(name)) << name;
        }
        EXPECT_EQ(whole.headers.get("Content-Length"), std::to_string(whole.body.size()));
    }
}

TEST_F(GzipTest, DoesNotCompressWhereThereIsNoBody) {
    EXPECT_FALSE(is_compressed(Response::text(kText, 205)));
    EXPECT_FALSE(is_compressed(Response::text(kText, 204)));
    EXPECT_FALSE(is_compressed(Response::text(kText, 304)));
}

// RFC 9110, 8.8.3.3: the tag of other bytes is another one, or a weak one.
TEST_F(GzipTest, WeakensTheTagOfWhatItCompresses) {
    Response page = Response::text(kText);
    page.headers.set("ETag", "\"a\"");
    EXPECT_EQ(get(page).headers.get("ETag"), "W/\"a\"");
    EXPECT_EQ(get(page, {}).headers.get("ETag"), "\"a\"");
    page.headers.set("ETag", "W/\"a\"");
    EXPECT_EQ(get(page).headers.get("ETag"), "W/\"a\"");
}

// RFC 9110, 15.4.5: 304 has the ETag and the Vary that 200 would have.
TEST_F(GzipTest, KnowsItsOwnTagAgain) {
    const Folder folder;
    folder.write("site.css", kText);
    StaticFiles files{{folder.path()}};
    testkit::Server server{Urls{middleware(gzip()), path("<path:file>", &files, &StaticFiles::serve)}};
    const Response first = server.get("/site.css", {{"Accept-Encoding", "gzip"}});
    EXPECT_EQ(first.headers.get("Content-Encoding"), "gzip");
    const std::string etag{*first.headers.get("ETag")};
    EXPECT_TRUE(etag.starts_with("W/\""));
    const Response second = server.get("/site.css", {{"Accept-Encoding", "gzip"}, {"If-None-Match", etag}});
    EXPECT_EQ(second.status, 304);
    EXPECT_EQ(second.headers.get("ETag"), etag);
    EXPECT_EQ(second.headers.get("Vary"), "Accept-Encoding");
    EXPECT_EQ(second.headers.count("Content-Encoding"), 0U);
}

}  // namespace
}  // namespace c10k
