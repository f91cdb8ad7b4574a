#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {

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

// One HTTP request, whole (RFC 9112).
struct Request {
    std::string method;
    std::string target;  // as it was sent, origin form: "/chat/lobby/?user=ann"
    std::string path;    // of the target, percent-decoded; what is not UTF-8 becomes U+FFFD
    Headers headers;
    std::string body;
    std::string peer;  // the client's address, "127.0.0.1:54321"

    // Fields of the query string.
    [[nodiscard]] Parameters query() const;
    // Fields of a form sent by POST; empty unless the content type is application/x-www-form-urlencoded.
    [[nodiscard]] Parameters form() const;
};

// One HTTP response. Content-Length and Date are added when it is sent; a Content-Length or Transfer-Encoding among
// `headers` is not sent.
struct Response {
    int status = 200;
    Headers headers = {};
    std::string body = {};

    static Response text(std::string body, int status = 200);
    static Response html(std::string body, int status = 200);
    static Response redirect(std::string location, int status = 302);
};

// The standard phrase of a status, "Not Found" for 404; empty if unknown (RFC 9110, 15).
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace c10k
