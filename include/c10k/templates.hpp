#pragma once

#include "c10k/http.hpp"

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace c10k {

class Urls;

// The names that a template may use: {{"size", 32}, {"rows", list}}.
class Context {
public:
    using List = std::vector<Context>;
    class Value;
    struct Field;

    // The limit on nested contexts, since copying and rendering them recurses. It is more than parse_json() lets
    // through.
    static constexpr std::size_t kMaxLevels = 256;

    Context();
    // Throws as set() does.
    Context(std::initializer_list<Field> fields);
    Context(const Context& other);
    Context(Context&& other) noexcept;
    Context& operator=(const Context& other);
    Context& operator=(Context&& other) noexcept;
    ~Context();

    // Replaces the value if the name has one. Throws std::length_error beyond kMaxLevels.
    void set(std::string name, Value value);

    [[nodiscard]] const std::vector<Field>& fields() const noexcept { return fields_; }

private:
    static std::size_t levels_of(const Value& value);

    std::vector<Field> fields_;
    std::size_t levels_ = 1;  // at most: a value that was replaced may have been deeper
};

// A text, a number, true or false, a list of contexts or one of them. A section is left out for false and an empty
// list.
class Context::Value {
public:
    Value(std::string text) : value_(std::move(text)) {}
    Value(std::string_view text) : value_(std::string{text}) {}
    Value(const char* text) : value_(std::string{text}) {}
    Value(Context fields) : value_(std::move(fields)) {}
    Value(List list) : value_(std::move(list)) {}
    template <typename T>
    requires std::integral<T> || std::floating_point<T> Value(T number) {
        if constexpr (std::same_as<T, bool>) {
            value_ = number;
        } else if constexpr (std::same_as<T, char>) {
            value_ = std::string(1, number);
        } else {
            value_ = number_text(number);
        }
    }

    [[nodiscard]] const auto& get() const noexcept { return value_; }

private:
    template <typename T>
    static std::string number_text(T number) {
        if constexpr (std::integral<T>) {
            return std::to_string(number);
        } else {
            return shortest_text(number);
        }
    }
    // The shortest text that reads as that number: 0.1, not 0.100000.
    static std::string shortest_text(double number);

    std::variant<std::string, bool, Context, List> value_;
};

struct Context::Field {
    std::string name;
    Value value;
};

// A template that is missing, wrong, or (in debug) uses a name that its context does not have; the text says which.
class TemplateError : public std::runtime_error {
public:
    // A line of a template's file, and the part of it that is at fault, in bytes.
    struct Place {
        std::filesystem::path file = {};
        unsigned line = 0;
        std::size_t begin = 0;
        std::size_t end = 0;
    };

    using std::runtime_error::runtime_error;
    TemplateError(const std::string& text, Place place) : std::runtime_error(text), place_(std::move(place)) {}

    // Line 0 of no file if the error is in no line.
    [[nodiscard]] const Place& place() const noexcept { return place_; }

private:
    Place place_;
};

// The mustache templates of a site, found by their path in one of its folders: "chat/index.html". A name never leads
// out of them: none of its parts may be empty, begin with a dot or have a backslash.
//
// {{name}} is HTML-escaped, {{{name}}} is not; {{#list}}..{{/list}} and {{^list}}..{{/list}} are sections;
// {{>site/head}} stands for the template site/head.html. Names in a nested context go before those around it.
// Delimiters cannot be changed. Every template has {{request.method}}, {{request.path}} and the paths of routes:
//
//     <a href="{{#url}}chat:room {{name}}{{/url}}">
//
// is reverse("chat:room", name). There is one argument for each capture, with spaces between them; each is a text or a
// name, which is not escaped inside.
class Templates {
public:
    // In debug, changed files are read again, and a name that the context or the routes do not have is an error, not
    // nothing.
    enum class Mode { kDebug, kProduction };

    // Knows no routes.
    explicit Templates(Mode mode);
    // Requires: `urls` outlives the templates; it may be filled later. Not checked: it is the caller's to keep.
    Templates(Mode mode, const Urls& urls);
    ~Templates();
    Templates(const Templates&) = delete;
    Templates& operator=(const Templates&) = delete;

    // Folders are searched in the order in which they came.
    void add_folder(std::filesystem::path folder);
    [[nodiscard]] const std::vector<std::filesystem::path>& folders() const noexcept { return folders_; }

    // A page, text/html. Throws TemplateError.
    Response render(const Request& request, std::string_view name, Context context = {}, int status = 200);

private:
    class Compiled;

    Compiled& find(const std::string& name);

    Mode mode_;
    const Urls* urls_ = nullptr;
    std::vector<std::filesystem::path> folders_;
    std::map<std::string, std::unique_ptr<Compiled>> compiled_;
};

}  // namespace c10k
