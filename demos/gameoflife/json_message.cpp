#include "gameoflife/json_message.hpp"

#include "gameoflife/worker_message.hpp"

#include <c10k/errors.hpp>
#include <c10k/http.hpp>

#include <algorithm>
#include <string>

namespace life {

namespace {

constexpr std::uint64_t kMaxWholeNumber = std::uint64_t{1} << 53;

const nlohmann::json& member(const nlohmann::json& object, const char* name, const char* type) {
    if (object.is_object()) {
        if (const auto found = object.find(name); found != object.end()) {
            return *found;
        }
    }
    throw BadMessage(std::string{"'"} + name + "' is missing: " + type);
}

BadMessage wrong_type(const char* name, const char* type) {
    return BadMessage(std::string{"'"} + name + "' is not " + type);
}

bool is_missing(const nlohmann::json& object, const char* name) {
    return !object.is_object() || !object.contains(name) || object.at(name).is_null();
}

// Where UTF-8 may be cut so that at most `max_bytes` remain.
std::size_t cut_at(const std::string& text, std::size_t max_bytes) {
    std::size_t end = std::min(text.size(), max_bytes);
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
        --end;
    }
    return end;
}

}  // namespace

std::string_view text_of(const c10k::Message& message) {
    if (!message.is_text()) {
        throw BadMessage("messages are text");
    }
    return message.view();
}

nlohmann::json parse_object(std::string_view text) {
    nlohmann::json value;
    try {
        value = c10k::parse_json(text);
    } catch (const c10k::BadRequest&) {
        throw BadMessage("a message is a JSON object");
    }
    if (!value.is_object()) {
        throw BadMessage("a message is a JSON object");
    }
    return value;
}

bool flag_of(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = member(object, name, "true or false");
    if (!value.is_boolean()) {
        throw wrong_type(name, "true or false");
    }
    return value.get<bool>();
}

double number_of(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = member(object, name, "a number");
    if (!value.is_number()) {
        throw wrong_type(name, "a number");
    }
    return value.get<double>();
}

std::uint64_t whole_number_of(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = member(object, name, "a whole number");
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMaxWholeNumber) {
        throw wrong_type(name, "a whole number");
    }
    return value.get<std::uint64_t>();
}

std::optional<std::uint64_t> optional_count_of(const nlohmann::json& object, const char* name) {
    return is_missing(object, name) ? std::nullopt : std::optional{whole_number_of(object, name)};
}

nlohmann::json optional_text_of(const nlohmann::json& object, const char* name, std::size_t max_bytes) {
    if (is_missing(object, name)) {
        return nullptr;
    }
    const nlohmann::json& value = object.at(name);
    if (!value.is_string()) {
        throw wrong_type(name, "text or null");
    }
    const auto& text = value.get_ref<const std::string&>();
    return text.substr(0, cut_at(text, max_bytes));
}

int clipped_number_of(const nlohmann::json& object, const char* name, int min, int max) {
    return static_cast<int>(std::clamp(number_of(object, name), static_cast<double>(min), static_cast<double>(max)));
}

}  // namespace life
