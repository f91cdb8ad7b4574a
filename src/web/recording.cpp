#include "web/recording.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "c10k/json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace c10k {
namespace {

using Json = nlohmann::ordered_json;
using Kind = RecordedEvent::Kind;

constexpr std::string_view kHead = "c10k recording";
constexpr int kVersion = 1;

// The member that says what happened.
struct NamedKind {
    Kind kind;
    const char* name;
};
constexpr std::array kNames{
    NamedKind{Kind::kOpened, "open"},     NamedKind{Kind::kReceived, "in"}, NamedKind{Kind::kSent, "out"},
    NamedKind{Kind::kRelayed, "relay"},   NamedKind{Kind::kLeft, "leave"},  NamedKind{Kind::kClosed, "close"},
    NamedKind{Kind::kDropped, "dropped"}, NamedKind{Kind::kCut, "cut"},     NamedKind{Kind::kStopping, "stop"}};

constexpr const char* kBinary = "base64";
constexpr const char* kLeftOut = "bytes";
constexpr const char* kIsRedacted = "redacted";

bool is_message(Kind kind) { return kind == Kind::kReceived || kind == Kind::kSent || kind == Kind::kRelayed; }
bool is_end(Kind kind) { return kind == Kind::kLeft || kind == Kind::kClosed; }

const char* name_of(Kind kind) {
    return std::find_if(kNames.begin(), kNames.end(), [kind](const NamedKind& one) { return one.kind == kind; })->name;
}

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

// ---- Writing

void put_payload(Json& json, const RecordedEvent& event) {
    const char* const name = name_of(event.kind);
    if (event.bytes) {
        json[name] = nullptr;
        json[kLeftOut] = *event.bytes;
    } else if (event.is_binary) {
        json[name] = nullptr;
        json[kBinary] = base64_encode(event.text);
    } else {
        json[name] = event.text;
    }
}

// ---- Reading. Each names the member that is missing or wrong.

const Json& member(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) {
        refuse(std::string{"there is no \""} + name + '"');
    }
    return *found;
}

std::string text_of(const Json& json, const char* name) {
    const Json& value = member(json, name);
    if (!value.is_string()) {
        refuse(std::string{"\""} + name + "\" is not a text");
    }
    return value.get<std::string>();
}

std::uint64_t number_of(const Json& json, const char* name, std::uint64_t most) {
    const Json& value = member(json, name);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most) {
        refuse(std::string{"\""} + name + "\" is not a whole number from 0 to " + std::to_string(most));
    }
    return value.get<std::uint64_t>();
}

std::chrono::microseconds time_of(const Json& json) {
    constexpr double kMostSeconds = 1e9;
    const Json& value = member(json, "at");
    const double seconds = value.is_number() ? value.get<double>() : -1;
    if (!(seconds >= 0 && seconds <= kMostSeconds)) {
        refuse("\"at\" is not a number of seconds");
    }
    return std::chrono::microseconds{std::llround(seconds * 1e6)};
}

void read_payload(RecordedEvent& event, const Json& json) {
    constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
    if (json.contains(kLeftOut)) {
        event.bytes = number_of(json, kLeftOut, kMostBytes);
    } else if (json.contains(kBinary)) {
        auto bytes = base64_decode(text_of(json, kBinary));
        if (!bytes) {
            refuse("\"base64\" is not base64");
        }
        event.is_binary = true;
        event.text = *std::move(bytes);
    } else {
        event.text = text_of(json, name_of(event.kind));
    }
}

std::vector<std::string> texts_of(const Json& json, const char* name) {
    const Json& value = member(json, name);
    const bool is_list =
        value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& one) { return one.is_string(); });
    if (!is_list) {
        refuse(std::string{"\""} + name + "\" is not a list of texts");
    }
    return value.get<std::vector<std::string>>();
}

void read_opened(RecordedEvent& event, const Json& json) {
    event.text = text_of(json, "open");
    if (!event.text.starts_with('/')) {
        refuse("\"open\" is not a path");
    }
    event.route = text_of(json, "route");
    event.subprotocol = text_of(json, "subprotocol");
    event.offered = texts_of(json, "offered");
    if (!std::all_of(event.offered.begin(), event.offered.end(), is_token)) {
        refuse("\"offered\" has a text that is no subprotocol");
    }
}

Json parse(std::string_view line) {
    try {
        static_cast<void>(parse_json(line));  // bounds its nesting
        return Json::parse(line);
    } catch (const std::exception&) {
        refuse("it is not JSON");
    }
}

}  // namespace

std::string recording_head(std::string_view began) { return Json{{kHead, kVersion}, {"began", began}}.dump() + '\n'; }

void check_recording_head(std::string_view line) {
    if (!line.starts_with("{\"c10k recording\"")) {
        refuse("it is no recording: that begins with {\"c10k recording\":1,");
    }
    const Json json = parse(line);
    if (json.at(kHead) != kVersion) {
        refuse("it is a recording of another version than " + std::to_string(kVersion));
    }
}

std::string to_line(const RecordedEvent& event) {
    Json json{{"at", static_cast<double>(event.at.count()) / 1e6}};
    if (event.socket != 0) {
        json["socket"] = event.socket;
    }
    if (is_message(event.kind)) {
        put_payload(json, event);
    } else if (is_end(event.kind)) {
        json[name_of(event.kind)] = event.code;
        json["reason"] = event.text;
    } else if (event.kind == Kind::kDropped) {
        json[name_of(event.kind)] = event.bytes.value_or(0);
    } else {
        json[name_of(event.kind)] = event.text;
    }
    if (event.kind == Kind::kOpened) {
        json["route"] = event.route;
        json["subprotocol"] = event.subprotocol;
        json["offered"] = event.offered;
    }
    if (event.is_redacted) {
        json[kIsRedacted] = true;
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

RecordedEvent parse_event(std::string_view line) {
    constexpr std::uint64_t kMostSockets = std::uint64_t{1} << 32;
    constexpr std::uint64_t kMostCode = 4999;
    const Json json = parse(line);
    const auto named = std::find_if(kNames.begin(), kNames.end(), [&json](const NamedKind& one) {
        return json.is_object() && json.contains(one.name);
    });
    if (named == kNames.end()) {
        refuse(
            "it is no event: none of its members is \"open\", \"in\", \"out\", \"relay\", \"leave\", \"close\", "
            "\"dropped\", \"cut\" or \"stop\"");
    }
    RecordedEvent event{.kind = named->kind, .at = time_of(json)};
    event.is_redacted = json.contains(kIsRedacted) && json[kIsRedacted] == true;
    const bool is_of_all = event.kind == Kind::kStopping || (event.kind == Kind::kCut && !json.contains("socket"));
    event.socket = is_of_all ? 0 : number_of(json, "socket", kMostSockets);
    if (!is_of_all && event.socket == 0) {
        refuse("\"socket\" is 0: the first is 1");
    }
    if (is_message(event.kind)) {
        read_payload(event, json);
    } else if (is_end(event.kind)) {
        event.code = static_cast<std::uint16_t>(number_of(json, named->name, kMostCode));
        event.text = text_of(json, "reason");
    } else if (event.kind == Kind::kDropped) {
        event.bytes = number_of(json, named->name, UINT64_MAX);
    } else if (event.kind == Kind::kOpened) {
        read_opened(event, json);
    } else {
        event.text = text_of(json, named->name);
    }
    return event;
}

}  // namespace c10k
