#include "c10k/json.hpp"

#include "base/text.hpp"
#include "c10k/errors.hpp"
#include "c10k/http.hpp"

#include <algorithm>
#include <stdexcept>

namespace c10k {
namespace {

// For values that views make: such a value may be a peer's with something around it.
constexpr std::size_t kMaxWritten = 1000;
constexpr std::size_t kMostShown = 300;  // bytes of what is wrong with a text

// Whether more than kMaxJsonLevels arrays and objects are open at any point of the text. Up to its first mistake, where
// the parser stops, the brackets outside of strings are those that the parser sees.
bool is_too_deep(std::string_view text) noexcept {
    std::size_t levels = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '"') {
            in_string = !in_string;
        } else if (in_string) {
            at += c == '\\' ? 1 : 0;
        } else if (c == '[' || c == '{') {
            if (++levels > kMaxJsonLevels) {
                return true;
            }
        } else if ((c == ']' || c == '}') && levels > 0) {
            --levels;
        }
    }
    return false;
}

// Whether the value has more than `most` levels. It goes no deeper than that.
bool is_deeper(const nlohmann::json& value, std::size_t most) {
    return value.is_structured() &&
           (most == 0 || std::any_of(value.begin(), value.end(),
                                     [most](const nlohmann::json& inner) { return is_deeper(inner, most - 1); }));
}

}  // namespace

nlohmann::json parse_json(std::string_view text) {
    if (is_too_deep(text)) {
        throw BadRequest("the JSON has more than " + std::to_string(kMaxJsonLevels) +
                         " arrays and objects in each other");
    }
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::exception& error) {
        // It quotes what it has read: of any bytes, and of any length.
        throw BadRequest(repair_utf8(std::string_view{error.what()}.substr(0, kMostShown)));
    }
}

nlohmann::json Request::json() const {
    json_was_read = true;
    return parse_json(body);
}

std::string json_text(const nlohmann::json& value) {
    if (is_deeper(value, kMaxWritten)) {
        throw std::length_error("the JSON to be sent has more than " + std::to_string(kMaxWritten) +
                                " arrays and objects in each other");
    }
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Response Response::json(const nlohmann::json& value, int status) {
    return {status, {{"Content-Type", "application/json"}}, json_text(value)};
}

nlohmann::json internal::object_of(std::span<nlohmann::json> names_and_values) {
    nlohmann::json object = nlohmann::json::object();
    for (std::size_t at = 0; at + 1 < names_and_values.size(); at += 2) {
        object[names_and_values[at].get<std::string>()] = std::move(names_and_values[at + 1]);
    }
    return object;
}

nlohmann::json internal::array_of(std::span<nlohmann::json> values) {
    nlohmann::json array = nlohmann::json::array();
    for (nlohmann::json& value : values) {
        array.push_back(std::move(value));
    }
    return array;
}

}  // namespace c10k
