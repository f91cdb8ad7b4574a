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
    fs::create_symlink(fs::canonical(folder_.path() / "static/site/site.css"), folder_.path() / "static/absolute.css");
    fs::create_symlink("../secret.txt", folder_.path() / "static/outside.txt");
    fs::create_symlink("..", folder_.path() / "static/up");
    folder_.write("static-too/secret.txt", "secret");
    fs::create_symlink("../static-too", folder_.path() / "static/beside");
    EXPECT_EQ(status("inside.css"), 200);
    EXPECT_EQ(status("absolute.css"), 200);
    EXPECT_EQ(status("outside.txt"), 404);
    EXPECT_EQ(status("up/secret.txt"), 404);
    EXPECT_EQ(status("beside/secret.txt"), 404);
}

TEST_F(StaticFilesTest, MayHaveTheirFolderBehindASymbolicLink) {
    namespace fs = std::filesystem;
    fs::create_directory_symlink("static", folder_.path() / "current");
    fs::create_symlink("site/site.css", folder_.path() / "static/inside.css");
    fs::create_symlink("../secret.txt", folder_.path() / "static/outside.txt");
    files_ = StaticFiles{{folder_.path() / "current"}};
    EXPECT_EQ(get("site/site.css").body, "body {}");
    EXPECT_EQ(get("inside.css").body, "body {}");
    EXPECT_EQ(status("outside.txt"), 404);
    EXPECT_EQ(status("missing.css"), 404);
}

TEST_F(StaticFilesTest, OpenNothingInAFolderWithoutAName) {
    files_ = StaticFiles{{""}};
    EXPECT_EQ(status((folder_.path() / "secret.txt").relative_path().string()), 404);
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

// RFC 9110, 14.1.2 and 14.4
TEST_F(StaticFilesTest, AreSentInPart) {
    folder_.write("static/digits.txt", "0123456789");
    struct Part {
        std::string_view range;
        std::string_view content_range;
        std::string_view body;
    };
    for (const auto& [range, content_range, body] :
         std::initializer_list<Part>{{"bytes=0-0", "bytes 0-0/10", "0"},
                                     {"bytes=2-4", "bytes 2-4/10", "234"},
                                     {"bytes=7-", "bytes 7-9/10", "789"},
                                     {"bytes=-3", "bytes 7-9/10", "789"},
                                     {"bytes=-11", "bytes 0-9/10", "0123456789"},
                                     {"bytes=0-9", "bytes 0-9/10", "0123456789"},
                                     {"bytes=8-99999999999999999999999", "bytes 8-9/10", "89"},
                                     {"bytes=-99999999999999999999999", "bytes 0-9/10", "0123456789"},
                                     {"BYTES=, 1-1 ,", "bytes 1-1/10", "1"},
                                     {"bytes=0002-03", "bytes 2-3/10", "23"}}) {
        const Response response = get("digits.txt", {{"Range", std::string{range}}});
        EXPECT_EQ(response.status, 206) << range;
        EXPECT_EQ(response.headers.get("Content-Range"), content_range) << range;
        EXPECT_EQ(response.body, body) << range;
    }
}

TEST_F(StaticFilesTest, SayThatAPartIsNotThere) {
    folder_.write("static/digits.txt", "0123456789");
    folder_.write("static/empty.txt", "");
    for (const std::string range : {"bytes=10-", "bytes=10-10", "bytes=99999999999999999999999-", "bytes=-0"}) {
        const Response response = get("digits.txt", {{"Range", range}});
        EXPECT_EQ(response.status, 416) << range;
        EXPECT_EQ(response.headers.get("Content-Range"), "bytes */10") << range;
        EXPECT_EQ(response.body, "") << range;
    }
    EXPECT_EQ(get("empty.txt", {{"Range", "bytes=0-"}}).headers.get("Content-Range"), "bytes */0");
    EXPECT_EQ(get("empty.txt", {{"Range", "bytes=-1"}}).status, 416);
}

// RFC 9110, 14.2: of what it does not understand, and of several parts, a server may send the whole.
TEST_F(StaticFilesTest, AreWholeWithoutARangeThatIsOne) {
    folder_.write("static/digits.txt", "0123456789");
    EXPECT_EQ(get("digits.txt").headers.get("Accept-Ranges"), "bytes");
    for (const std::string range : {"", "bytes", "bytes=", "bytes=-", "bytes=a-", "bytes=1", "bytes=4-2", "bytes=+1-2",
                                    "bytes=1-2-3", "bytes=0-1,3-4", "lines=0-1", "bytes = 0-1", "bytes=0x1-2"}) {
        const Response response = get("digits.txt", {{"Range", range}});
        EXPECT_EQ(response.status, 200) << range;
        EXPECT_EQ(response.body, "0123456789") << range;
    }
    EXPECT_EQ(get("digits.txt", {{"Range", "bytes=0-1"}, {"Range", "bytes=3-4"}}).status, 200);
    Request head;
    head.method = "HEAD";
    head.headers.add("Range", "bytes=0-1");
    EXPECT_EQ(files_.serve(head, "digits.txt").status, 200);
}

// RFC 9110, 13.1.5
TEST_F(StaticFilesTest, AreSentInPartOnlyToAClientThatHasTheRestOfTheSame) {
    const std::string etag{*get("site/site.css").headers.get("ETag")};
    const std::string time{*get("site/site.css").headers.get("Last-Modified")};
    const auto status_if = [this](const std::string& known) {
        return get("site/site.css", {{"Range", "bytes=0-1"}, {"If-Range", known}}).status;
    };
    EXPECT_EQ(status_if(etag), 206);
    EXPECT_EQ(status_if(time), 206);
    EXPECT_EQ(status_if("W/" + etag), 200);
    EXPECT_EQ(status_if("\"other\""), 200);
    EXPECT_EQ(status_if("Sun, 06 Nov 1994 08:49:37 GMT"), 200);
    EXPECT_EQ(get("site/site.css", {{"Range", "bytes=0-1"}, {"If-None-Match", etag}}).status, 304);
}

}  // namespace
}  // namespace c10k
