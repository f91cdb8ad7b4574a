#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"
#include "c10k/web.hpp"

#include <gtest/gtest.h>
#include <string>

namespace c10k {
namespace {

TEST(Form, IsTheBodyOfAUrlencodedPost) {
    Request request;
    request.method = "POST";
    request.headers.set("Content-Type", "Application/X-WWW-Form-Urlencoded ; charset=utf-8");
    request.body = "text=%3Cb%3E";
    EXPECT_EQ(request.form().get("text"), "<b>");
    request.method = "PUT";
    EXPECT_EQ(request.form().size(), 0u);
    request.method = "POST";
    request.headers.set("Content-Type", "text/plain");
    EXPECT_EQ(request.form().size(), 0u);
    request.headers.remove("Content-Type");
    EXPECT_EQ(request.form().size(), 0u);
}

TEST(Form, WithFilesIsRefusedInASentence) {
    const auto view = [](Request& request) { return Response::text(std::to_string(request.form().size())); };
    testkit::Server server{Urls{path("", view).methods({"GET", "POST", "PUT"})}};
    const std::string body = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
    for (const char* type : {"multipart/form-data; boundary=x", "Multipart/Form-Data ;boundary=x", "multipart/mixed"}) {
        const Response response = server.request("POST", "/", {{"Content-Type", type}}, body);
        EXPECT_EQ(response.status, 415) << type;
        EXPECT_NE(response.body.find("a form with files"), std::string::npos) << response.body;
    }
    EXPECT_EQ(server.request("PUT", "/", {{"Content-Type", "multipart/form-data; boundary=x"}}, body).status, 415);
    EXPECT_EQ(server.get("/").body, "0");
}

}  // namespace
}  // namespace c10k
