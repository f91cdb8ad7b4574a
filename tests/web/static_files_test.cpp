#include "c10k/web.hpp"
#include "web/folder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <sys/stat.h>

namespace c10k {
namespace {

class StaticFilesTest : public testing::Test {
protected:
    StaticFilesTest() : files_({folder_.path() / "static"}) {
        folder_.write("static/site/site.css", "body {}");
        folder_.write("secret.txt", "secret");
    }

    Response get(std::string_view file, const Headers& headers = {}) {
        Request request;
        request.method = "GET";
        request.headers = headers;
        return files_.serve(request, file);
    }
    // The status, as the dispatcher would answer.
    int status(std::string_view file) {
        try {
            return get(file).status;
        } catch (const HttpError& error) {
            return error.status();
        }
    }

    Folder folder_;
    StaticFiles files_;
};

TEST_F(StaticFilesTest, ServeAFileAsItIs) {
    const std::string bytes{"\0\xff\r\n", 4};
    folder_.write("static/raw.bin", bytes);
    const Response response = get("raw.bin");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, bytes);
    EXPECT_EQ(response.headers.get("Content-Type"), "application/octet-stream");
    EXPECT_EQ(response.headers.get("X-Content-Type-Options"), "nosniff");
}

TEST_F(StaticFilesTest, TellTheContentTypeByTheExtension) {
    folder_.write("static/A.JS", "");
    folder_.write("static/icon.svg", "");
    EXPECT_EQ(get("site/site.css").headers.get("Content-Type"), "text/css; charset=utf-8");
    EXPECT_EQ(get("A.JS").headers.get("Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(get("icon.svg").headers.get("Content-Type"), "image/svg+xml");
}

TEST_F(StaticFilesTest, SearchTheirFoldersInOrder) {
    const Folder second;
    second.write("site/site.css", "other");
    second.write("more.css", "more");
    files_.add_folder(second.path());
    EXPECT_EQ(get("site/site.css").body, "body {}");
    EXPECT_EQ(get("more.css").body, "more");
}

TEST_F(StaticFilesTest, ServeOnlyRegularFiles) {
    ::mkfifo((folder_.path() / "static/pipe").c_str(), 0600);
    for (const std::string_view file : {"missing.css", "site", "site/", "site/site.css/", "pipe", ""}) {
        EXPECT_EQ(status(file), 404) << file;
    }
}

TEST_F(StaticFilesTest, NeverLeaveTheirFolder) {
    const std::string absolute = (folder_.path() / "secret.txt").string();
    const std::string with_nul{"site/site.css\0.txt", 18};
    for (const std::string& file : std::initializer_list<std::string>{
             "../secret.txt", "site/../../secret.txt", "./site/site.css", "site//site.css", "site/./site.css", absolute,
             "/" + absolute, "..", ".", with_nul, "%2e%2e/secret.txt"}) {
        EXPECT_EQ(status(file), 404) << file;
    }
}

TEST_F(StaticFilesTest, FollowASymbolicLinkOnlyInside) {
    namespace fs = std::filesystem;
    fs::create_symlink("site/site.css", folder_.path() / "static/inside.css");
    fs::create_symlink("../secret.txt", folder_.path() / "static/outside.txt");
    fs::create_symlink("..", folder_.path() / "static/up");
    folder_.write("static-too/secret.txt", "secret");
    fs::create_symlink("../static-too", folder_.path() / "static/beside");
    EXPECT_EQ(status("inside.css"), 200);
    EXPECT_EQ(status("outside.txt"), 404);
    EXPECT_EQ(status("up/secret.txt"), 404);
    EXPECT_EQ(status("beside/secret.txt"), 404);
}

TEST_F(StaticFilesTest, HideWhatIsHidden) {
    folder_.write("static/.env", "secret");
    folder_.write("static/.git/config", "secret");
    EXPECT_EQ(status(".env"), 404);
    EXPECT_EQ(status(".git/config"), 404);
}

TEST_F(StaticFilesTest, RefuseAFileThatIsTooLarge) {
    const auto file = folder_.write("static/large.bin", "");
    std::filesystem::resize_file(file, StaticFiles::kMaxBytes + 1);
    EXPECT_THROW(get("large.bin"), std::runtime_error);
}

// RFC 9110, 13.1.2
TEST_F(StaticFilesTest, AreNotSentAgainToAClientThatHasThem) {
    const Response first = get("site/site.css");
    const std::string etag{*first.headers.get("ETag")};
    ASSERT_TRUE(etag.starts_with('"') && etag.ends_with('"'));
    for (const std::string& value : {etag, "W/" + etag, "\"other\", " + etag, std::string{"*"}}) {
        const Response second = get("site/site.css", {{"If-None-Match", value}});
        EXPECT_EQ(second.status, 304) << value;
        EXPECT_EQ(second.body, "");
        EXPECT_EQ(second.headers.get("ETag"), etag);  // RFC 9110, 15.4.5
        EXPECT_EQ(second.headers.get("Cache-Control"), "no-cache");
    }
    EXPECT_EQ(get("site/site.css", {{"If-None-Match", "\"other\""}}).status, 200);
}

TEST_F(StaticFilesTest, AreSentAgainWhenTheyHaveChanged) {
    const std::string etag{*get("site/site.css").headers.get("ETag")};
    const auto file = folder_.write("static/site/site.css", "body{ }");
    std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds{1});
    EXPECT_EQ(get("site/site.css", {{"If-None-Match", etag}}).status, 200);
}

// RFC 9110, 13.1.3: If-Modified-Since counts only without If-None-Match.
TEST_F(StaticFilesTest, KnowTheirLastModification) {
    const std::string time{*get("site/site.css").headers.get("Last-Modified")};
    EXPECT_EQ(get("site/site.css", {{"If-Modified-Since", time}}).status, 304);
    EXPECT_EQ(get("site/site.css", {{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 200);
    EXPECT_EQ(get("site/site.css", {{"If-None-Match", "\"x\""}, {"If-Modified-Since", time}}).status, 200);
}

// RFC 9110, 14.2: a server may ignore Range.
TEST_F(StaticFilesTest, AreWholeEvenIfAPartIsAskedFor) {
    EXPECT_EQ(get("site/site.css", {{"Range", "bytes=0-1"}}).status, 200);
}

}  // namespace
}  // namespace c10k
