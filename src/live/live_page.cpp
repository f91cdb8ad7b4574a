#include "live/live_page.hpp"

#include "c10k/close_code.hpp"
#include "c10k/http.hpp"

#include <stdexcept>

namespace c10k {
namespace {

using Json = nlohmann::json;

const std::string& text_of(const Json& message, const char* name, std::size_t most) {
    const auto* const text = message.at(name).get_ptr<const std::string*>();
    if (text == nullptr || text->size() > most) {
        throw std::invalid_argument(std::string{"'"} + name + "' is a text of at most " + std::to_string(most) +
                                    " bytes");
    }
    return *text;
}

std::string hex_of(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += {kDigits[value >> 4], kDigits[value & 15]};
        text += ' ';
    }
    return text;
}

}  // namespace

PageMessage PageMessage::parse(std::string_view text) {
    const Json json = parse_json(text);
    if (!json.is_object()) {
        throw std::invalid_argument("a message is a JSON object");
    }
    PageMessage message;
    if (json.contains("id") && json["id"].is_number_unsigned()) {
        message.number = json["id"];
    }
    if (json.contains("find")) {
        message.find = text_of(json, "find", kMostFindBytes);
    }
    if (json.contains("follow")) {
        message.is_follow = true;
        message.follow = json["follow"].is_null() ? "" : text_of(json, "follow", kMostFindBytes);
    }
    if (json.contains("close")) {
        message.close = text_of(json, "close", kMostFindBytes);
        const std::uint64_t code = json.contains("code") && json["code"].is_number_unsigned()
                                       ? json["code"].get<std::uint64_t>()
                                       : CloseCode::kPolicyViolation;
        if (code > 4999 || !CloseCode::is_sendable(static_cast<std::uint16_t>(code))) {
            throw std::invalid_argument("the code " + std::to_string(code) +
                                        " cannot be sent: take 1000, 1008, or one from 3000 to 4999");
        }
        message.code = static_cast<std::uint16_t>(code);
        message.reason = json.contains("reason") ? text_of(json, "reason", kMostReasonBytes) : "";
    }
    return message;
}

Json followed_json(const std::string& id, const FollowedMessages& batch) {
    constexpr std::size_t kMostBinary = 48;
    Json messages = Json::array();
    for (const FollowedMessage& message : batch.messages) {
        const bool is_text = message.kind == Message::Kind::kText;
        messages.push_back({{"at", message.at},
                            {"way", message.way == FollowedMessage::Way::kIn ? "in" : "out"},
                            {"kind", is_text ? "text" : "binary"},
                            {"bytes", message.bytes},
                            {"text", is_text ? message.beginning
                                             : hex_of(std::string_view{message.beginning}.substr(0, kMostBinary))}});
    }
    Json followed{{"id", id}, {"messages", std::move(messages)}, {"skipped", batch.skipped}};
    if (batch.has_ended) {
        followed["ended"] = batch.code;
    }
    Json json;
    json["followed"] = std::move(followed);
    return json;
}

}  // namespace c10k
