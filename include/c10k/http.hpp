#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {

template <typename T>
class Task;
class BodyReader;

// Header fields in their order. Names compare without regard to case (RFC 9110, 5.1).
class Headers {
public:
    struct Field {
        std::string name;
        std::string value;
    };

    Headers() = default;
    Headers(std::initializer_list<Field> fields) : fields_(fields) {}

    void add(std::string_view name, std::string_view value);
    // Replaces every field of that name by one.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);

    // The value of the first field of that name; valid until the headers change.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;
    // Whether a member of the comma-separated list in the fields of that name equals `token`, without regard to case
    // (RFC 9110, 5.6.1).
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

    [[nodiscard]] auto begin() const { return fields_.begin(); }
    [[nodiscard]] auto end() const { return fields_.end(); }
    [[nodiscard]] std::size_t size() const { return fields_.size(); }

private:
    std::vector<Field> fields_;
};

// Named values in their order, as in a query string or a form. A name may occur more than once.
class Parameters {
public:
    struct Item {
        std::string name;
        std::string value;
    };

    // More are never parsed: a body of a megabyte could hold half a million.
    static constexpr std::size_t kMaxItems = 1000;

    // Parses application/x-www-form-urlencoded (WHATWG URL, 5.1). Bytes that are not UTF-8 become U+FFFD.
    static Parameters parse(std::string_view encoded);

    void add(std::string name, std::string value) { items_.push_back({std::move(name), std::move(value)}); }
    // The last value of that name, as in Django.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;

    [[nodiscard]] auto begin() const { return items_.begin(); }
    [[nodiscard]] auto end() const { return items_.end(); }
    [[nodiscard]] std::size_t size() const { return items_.size(); }

private:
    std::vector<Item> items_;
};

// One HTTP request (RFC 9112), whole unless its view reads the body itself. A view borrows it until its response is
// complete, with the body of a stream.
struct Request {
    std::string method;
    std::string target;  // as it was sent, origin form: "/chat/lobby/?user=ann"
    std::string path;    // of the target, percent-decoded; what is not UTF-8 becomes U+FFFD
    Headers headers;
    std::string body;  // empty if the view takes a BodyReader
    // The client's address, "127.0.0.1:54321"; "203.0.113.7" if a proxy told it (the setting trusted_proxies).
    std::string peer;
    // It came by https: to us, or to a proxy that told it (X-Forwarded-Proto, the setting trusted_proxies).
    bool is_secure = false;
    // The server's address that the client, or its proxy, connected to: "127.0.0.1:8000", or "unix:/run/site.sock".
    std::string local = {};
    // Of HTTP: 1 and 0 for HTTP/1.0, 1 and 1 for HTTP/1.1, 2 and 1 for HTTP/2.
    int major_version = 1;
    int minor_version = 1;

    // Fields of the query string.
    [[nodiscard]] Parameters query() const;
    // Fields of a form sent by POST; empty unless the content type is application/x-www-form-urlencoded. Does not read
    // forms with files: throws UnsupportedMediaType for multipart/form-data, whatever the method.
    [[nodiscard]] Parameters form() const;
    // The cookies that the client has sent (RFC 6265, 5.4). Ignores anything that is not a cookie.
    [[nodiscard]] Parameters cookies() const;
    // parse_json() of the body, whatever its content type. After it, a view may use the value as if it were right: the
    // server answers with 400, too, if nlohmann::json throws because of another type, a missing name or a number that
    // does not fit, even if the view's own JSON is the cause.
    [[nodiscard]] nlohmann::json json() const;
    mutable bool json_was_read = false;  // by json()

    // For the library: what a view that takes a BodyReader is given.
    BodyReader* body_reader = nullptr;
};

// The JSON of a peer: a request's body, or a message of a WebSocket. A name that an object has twice has its last
// value. A view that uses it includes c10k/json.hpp. Throws BadRequest if `text` is not JSON, holds a number that
// no double can, or has more than kMaxJsonLevels arrays and objects in each other: nlohmann::json copies and writes
// them by recursion.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);
inline constexpr std::size_t kMaxJsonLevels = 128;

// Whether other sites' pages make the browser send a cookie (RFC 6265bis, 5.6.7): kLax with links only, kStrict never,
// kNone always.
enum class SameSite { kLax, kStrict, kNone };

struct CookieOptions {
    std::string path = "/";  // of the pages that get it, with all below
    // Without one it lasts until the browser is closed. 0 deletes the cookie.
    std::optional<std::chrono::seconds> max_age = {};
    bool secure = false;     // is sent with https only
    bool http_only = false;  // is hidden from scripts
    SameSite same_site = SameSite::kLax;
};

// Where the body of a streamed response goes, piece by piece. It is lent to the coroutine that makes the body, until
// that ends.
class BodyWriter {
public:
    // Sends `piece`, which need not stay. Suspends while more is unsent than a connection should hold. The status and
    // the headers go out with the first piece: until then a failure is still answered with an error page.
    // Throws Stopped once the client is gone. Requires: no other write() is waiting; await each before the next. Throws
    // std::logic_error otherwise.
    virtual Task<void> write(std::string_view piece) = 0;

protected:
    ~BodyWriter() = default;
};

using BodyStream = std::function<Task<void>(BodyWriter&)>;

// One HTTP response. Content-Length and Date are added when it is sent; a Content-Length or Transfer-Encoding among
// `headers` is not sent.
struct Response {
    int status = 200;
    Headers headers = {};
    std::string body = {};
    BodyStream body_stream = {};  // if there is one, it makes the body instead
    // How many bytes the stream makes, if that is known: it is sent with a Content-Length then, and not in chunks. One
    // that makes fewer is cut, and one that makes more gets std::logic_error from write().
    std::optional<std::size_t> stream_bytes = {};
    // Why a WebSocket was refused, for the server's log alone; without one, the log has the first line of a plain text
    // body.
    std::string log_note = {};

    static Response text(std::string body, int status = 200);
    static Response html(std::string body, int status = 200);
    // Bytes that are not UTF-8 become U+FFFD. Throws std::length_error if there are more than 1000 arrays and objects
    // in each other.
    static Response json(const nlohmann::json& value, int status = 200);
    // To any host. A location that the client chose could lead its user to a stranger's page.
    static Response redirect(std::string location, int status = 302);
    // A file, with the content type of its extension; 304 to a client whose copy is the same (RFC 9110, 13), and 206 or
    // 416 to a GET for one part of it (14.2). A file of more than 64 KiB becomes a stream that reads it in pieces, as
    // fast as the client takes them; if the file gets shorter meanwhile, the response is cut. A file of more than
    // StaticFiles::kMaxBytes is an error. Throws NotFound if it is not a regular file.
    static Response file(const Request& request, const std::string& path);
    // A body that a coroutine writes while it is sent:
    //
    //     return Response::stream("text/csv", [this](BodyWriter& body) -> Task<> {
    //         for (const Row& row : rows_) {
    //             co_await body.write(row.text());
    //         }
    //     });
    //
    // It lives until the body is complete, and so does the request. If it fails after the first piece, the connection
    // is cut, and the client sees that the body is not whole; one that speaks HTTP/1.0 may take it for whole. If the
    // client goes, it is stopped.
    static Response stream(std::string content_type, BodyStream stream);

    // Adds a cookie (RFC 6265, 4.1).
    // Throws std::logic_error if the name is no token, the value or the path holds what none may (quotes, spaces,
    // commas, semicolons, backslashes; encode them), or the cookie is for all sites' pages and not secure.
    void set_cookie(std::string_view name, std::string_view value, const CookieOptions& options = {});
};

// The standard phrase of a status, "Not Found" for 404; empty if unknown (RFC 9110, 15).
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace c10k
